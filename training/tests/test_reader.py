"""Renderer, labels and decoding fit together: python -m unittest discover training/tests"""

import random
import sys
import unittest
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from platewatch_training import camera
from platewatch_training.plates import ALPHABET, COUNTRIES, render_plate
from platewatch_training.reader.data import CORNERS, TARGET, step_targets
from platewatch_training.reader.evaluate import calibration
from platewatch_training.reader.model import BLANK, CLASSES, STEPS, RowReader, greedy
from platewatch_training.reader.propose import collapse


def places(shot) -> np.ndarray:
    return np.float32([[ALPHABET.index(char), *rest] for char, *rest in shot.chars])


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


class Labels(unittest.TestCase):
    def test_step_targets_spell_the_text(self):
        rng, right, total = random.Random(2), 0, 0
        matrix = cv2.getPerspectiveTransform(CORNERS, TARGET)
        for _ in range(150):
            plate = render_plate(rng)
            target = step_targets(places(camera.photograph(rng, plate)), matrix, 1)
            text, last = "", BLANK
            for i, k in enumerate(target):
                if i == STEPS:
                    last = BLANK
                if k >= 0 and k != BLANK and k != last:
                    text += ALPHABET[k]
                last = k
            total += 1
            right += text == plate.text
        self.assertGreater(right / total, 0.85)  # doubled narrow characters may touch

    def test_negatives_are_blank_and_unreadable_plates_say_nothing(self):
        matrix = cv2.getPerspectiveTransform(CORNERS, TARGET)
        empty = np.full((12, 6), -1, np.float32)
        self.assertTrue((step_targets(empty, matrix, -1) == BLANK).all())
        self.assertTrue((step_targets(empty, matrix, 0) == -100).all())


class Network(unittest.TestCase):
    def test_shapes_and_decoding(self):
        steps, country, lines, readable = RowReader(len(COUNTRIES)).eval()(torch.zeros(2, 3, 64, 160))
        self.assertEqual(tuple(steps.shape), (2, 2 * STEPS, CLASSES))
        self.assertEqual(tuple(country.shape), (2, len(COUNTRIES)))
        self.assertEqual((tuple(lines.shape), tuple(readable.shape)), ((2, 2), (2, 1)))

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
