"""Renderer, labels and decoding fit together: python -m unittest discover training/tests"""

import random
import sys
import unittest
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from platewatch_training import labels
from platewatch_training.plates import ALPHABET, COUNTRIES, benelux, neighbours, render_plate
from platewatch_training.reader.clean import shrink
from platewatch_training.reader.confusion import Tally, align
from platewatch_training.reader.decode import best_path, places, read, total
from platewatch_training.reader.evaluate import calibration
from platewatch_training.reader.makers import step_targets
from platewatch_training.reader.model import BLANK, CLASSES, DESIGNS, STEPS, RowReader, greedy, widen
from platewatch_training.reader.propose import collapse
from platewatch_training.reader.signs import board
from platewatch_training.reader.snap import TARGET, Camera


class Rendering(unittest.TestCase):
    def test_every_country_draws_and_is_reproducible(self):
        for country in COUNTRIES:
            first, second = (render_plate(random.Random(5), country) for _ in range(2))
            self.assertEqual(first.text, second.text)
            self.assertEqual(first.country, country)
            self.assertTrue(first.text and set(first.text) <= set(ALPHABET))
            self.assertIn(first.lines, (1, 2))

    def test_characters_stand_inside_the_plate_in_reading_order(self):
        rng = random.Random(1)
        for _ in range(200):
            plate = render_plate(rng)
            (left, top), (right, bottom) = plate.quad[0], plate.quad[2]
            last = (-1, -1e9)
            for _, line, (x0, y0, x1, y1) in plate.chars:
                self.assertTrue(left - 6 <= x0 < x1 <= right + 6 and top - 8 <= y0 < y1 <= bottom + 8, plate.text)
                self.assertGreater((line, x0), last)
                last = (line, x0)


def stored(rng, country=None):
    """A clean plate as the sample makers see it: picture, corners, boxes, plate."""
    plate = render_plate(rng, country)
    image, quad, chars = shrink(plate)
    return image, quad, np.float32([[ALPHABET.index(char), line, *box] for char, line, box in chars]), plate


class Formats(unittest.TestCase):
    def test_look_alikes_keep_to_their_places(self):
        rng, zeros = random.Random(4), 0
        for _ in range(400):
            text = benelux.fill(rng, "LLL-9999")
            self.assertTrue(text[:3].isalpha() and text[4:].isdigit(), text)
            zeros += "O" in text[:3] and "0" in text[4:]
        self.assertGreater(zeros, 30)  # of numbers drawn evenly 4 in a hundred hold both

    def test_an_irish_plate_breaks_before_its_number(self):
        rng, seen = random.Random(6), 0
        for _ in range(300):
            plate = render_plate(rng, "IE")
            if plate.lines == 2:
                second = "".join(char for char, line, _ in plate.chars if line == 1)
                self.assertTrue(second.isdigit(), plate.text)
                seen += 1
        self.assertGreater(seen, 10)

    def test_letters_a_country_does_not_use_are_not_drawn(self):
        for country, letters in (("CZ", "GOQW"), ("NO", "GIMOQW")):
            for seed in range(100):
                row = neighbours.plain(country)(random.Random(seed)).rows[0]
                self.assertFalse(set(row) & set(letters), row)


class Labels(unittest.TestCase):
    def test_boxes_without_a_plate_and_unlabelled_plates_are_read(self):
        self.assertIn(("train/open-lpr-0725.jpg", 1), labels.bad_boxes())
        boxes = labels.unlabelled()
        self.assertIn("train/kaggle433-0117.jpg", boxes)  # of extra_boxes.tsv
        self.assertIn("train/open-lpr-1951.jpg", boxes)  # of mined_boxes.tsv
        for row in labels.table("extra_crops.tsv"):
            self.assertIn(row["status"], ("seen", "unreadable"))
            self.assertEqual(bool(row["text"]), row["status"] == "seen", row)
            self.assertTrue(set(row["text"]) <= set(ALPHABET), row)
            self.assertIn([float(row[key]) for key in ("x0", "y0", "x1", "y1")], boxes[row["image"]])

    def test_step_targets_spell_the_text(self):
        rng, right, total_plates = random.Random(2), 0, 0
        for _ in range(150):
            _, quad, boxes, plate = stored(rng)
            target = step_targets(boxes, cv2.getPerspectiveTransform(quad, TARGET))
            text, last = "", BLANK
            for i, k in enumerate(target):
                if i == STEPS:
                    last = BLANK
                if k >= 0 and k != BLANK and k != last:
                    text += ALPHABET[k]
                last = k
            total_plates += 1
            right += text == plate.text
        self.assertGreater(right / total_plates, 0.85)  # doubled narrow characters may touch

    def test_a_character_outside_the_crop_is_lost(self):
        _, quad, boxes, _ = stored(random.Random(3), "NL")
        whole = cv2.getPerspectiveTransform(quad, TARGET)
        self.assertLess(Camera.lost(boxes, whole), 0.05)
        moved = np.float32([[1, 0, -60], [0, 1, 0], [0, 0, 1]]) @ whole
        self.assertGreater(Camera.lost(boxes, moved), 0.9)


class Decoding(unittest.TestCase):
    def test_places_are_the_probabilities_of_the_texts_that_differ_there(self):
        rng = np.random.default_rng(1)
        steps = rng.random((9, CLASSES)) ** 3
        steps /= steps.sum(1, keepdims=True)
        text = [5, 3, 3, 8]
        at = places(steps, text)
        for i in range(len(text)):
            plain = np.array([total(steps, text[:i] + [k] + text[i + 1 :]) for k in range(BLANK)] + [total(steps, text[:i] + text[i + 1 :])])
            np.testing.assert_allclose(at[i], plain / plain.sum(), atol=1e-12)

    def test_a_sure_text_is_read(self):
        steps = np.full((2 * STEPS, CLASSES), 1e-3)
        steps[:, BLANK] = 0.964
        for t, char in ((4, "1"), (9, "1"), (20, "A"), (60, "7")):
            steps[t] = 1e-3
            steps[t, ALPHABET.index(char)] = 0.964
        text, at, _ = read(steps)
        self.assertEqual(text, "11A7")
        self.assertEqual([ALPHABET[row.argmax()] for row in at], list(text))
        self.assertEqual("".join(ALPHABET[k] for k in best_path(steps)), text)


class Confusion(unittest.TestCase):
    def test_alignment_and_tally(self):
        self.assertEqual(align("AB1", "AB1"), [(0, 0), (1, 1), (2, 2)])
        self.assertEqual(align("1ABC", "1BC"), [(0, 0), (1, None), (2, 1), (3, 2)])
        tally, sure = Tally(), np.eye(CLASSES)
        for truth, got in (("1ABC234", "1ABC234"), ("1ABC234", "1ABC2334"), ("1ABC234", "1A8C234"), ("1ABC234", "1BC234")):
            tally.add(truth, got, sure[[ALPHABET.index(c) for c in got]], 1.0)
        self.assertEqual((tally.pairs["B", "8"], tally.pairs["A", "-"], tally.pairs["-", "3"], tally.doubled), (1, 1, 1, 1))
        for line in tally.text("x").splitlines():  # as `src/hotlist/confusions.rs` takes them
            self.assertTrue(line.startswith("#") or [len(word) for word in line.split()][:2] == [1, 1] and line.split()[2].isdigit(), line)


class Signs(unittest.TestCase):
    def test_words_stand_on_their_board_and_can_be_told_from_it(self):
        rng = random.Random(4)
        for _ in range(60):
            image, quad, boxes = board(rng)
            high, wide = image.shape[:2]
            self.assertTrue((quad >= 0).all() and (quad[:, 0] <= wide).all() and (quad[:, 1] <= high).all())
            _, _, x0, y0, x1, y1 = boxes[0].astype(int)
            grey = image[y0:y1, x0:x1].astype(np.float32).mean(2)
            self.assertGreater(np.percentile(grey, 97) - np.percentile(grey, 3), 25)


class Network(unittest.TestCase):
    def test_shapes_and_decoding(self):
        steps, country, lines, readable = RowReader(len(COUNTRIES)).eval()(torch.zeros(2, 3, 64, 160))
        self.assertEqual(tuple(steps.shape), (2, 2 * STEPS, CLASSES))
        self.assertEqual(tuple(country.shape), (2, len(COUNTRIES)))
        self.assertEqual((tuple(lines.shape), tuple(readable.shape)), ((2, 2), (2, 1)))

    def test_a_widened_net_computes_the_same(self):
        for before, after in (("rows", "rows-wide"), ("rows-wide", "rows-fine")):
            small, large = DESIGNS[before](5).eval(), DESIGNS[after](5).eval()
            for module in small.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.running_mean.normal_(0, 0.1)
            widen(small.state_dict(), large)
            crops = torch.rand(2, 3, 64, 160) * 255
            for a, b in zip(small(crops), large(crops)):
                torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)

    def test_a_character_at_the_end_of_a_line_and_one_at_the_start_of_the_next_stay_apart(self):
        steps = torch.zeros(1, 2 * STEPS, CLASSES)
        steps[..., BLANK] = 1
        for t, char in ((3, "1"), (4, "1"), (STEPS - 1, "A"), (STEPS, "A"), (60, "7")):
            steps[0, t, ALPHABET.index(char)] = 2
        self.assertEqual(greedy(steps, ALPHABET), ["1AA7"])
        self.assertEqual(collapse(steps[0].softmax(-1).numpy())[0], "1AA7")

    def test_calibration_error(self):
        self.assertAlmostEqual(calibration([(1.0, True)] * 5), 0.0)
        self.assertAlmostEqual(calibration([(1.0, False)] * 5), 1.0)


if __name__ == "__main__":
    unittest.main()
