"""Tests of the detector's training: which cells answer, what is folded, what counts as right."""

import random
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from platewatch_training.detector import bait, evaluate, store
from platewatch_training.detector.blend import blend
from platewatch_training.detector.export import platt
from platewatch_training.detector.losses import detection_loss, encode
from platewatch_training.detector.network import BOX_SCALE, CORNER_SCALE, INPUT_SCALE, Detector, prepare, shippable
from platewatch_training.detector.ring import HEIGHT, WIDTH, Ring
from platewatch_training.detector.samples import Target
from platewatch_training.detector.train import CUT_HEIGHT, CUT_WIDTH, cut
from platewatch_training.plates import render_two_line


def row(x0, y0, x1, y1, exact=True):
    return np.float32([x0, y0, x1, y1, x0, y0, x1, y0, x1, y1, x0, y1, exact])


class Encoding(unittest.TestCase):
    def test_the_middle_answers_and_the_rest_of_the_plate_is_not_asked(self):
        what, about = encode(np.stack([row(100, 100, 160, 120)]), np.zeros((0, 4)), 256, 448)
        self.assertEqual(what[110 // 8, 130 // 8], 1)
        self.assertEqual(what[110 // 8, 102 // 8], -1)
        self.assertEqual(what[0, 0], 0)
        np.testing.assert_array_equal(about[0, :4], [100, 100, 160, 120])

    def test_the_ends_of_a_large_plate_are_background(self):
        what, _ = encode(np.stack([row(40, 100, 340, 164)]), np.zeros((0, 4)), 256, 448)
        self.assertEqual(what[132 // 8, 45 // 8], 0)
        self.assertEqual(what[132 // 8, 190 // 8], 1)

    def test_tiny_and_cut_off_plates_are_neither_plate_nor_background(self):
        what, _ = encode(np.stack([row(100, 100, 108, 103), row(-60, 50, 20, 70)]), np.zeros((0, 4)), 256, 448)
        self.assertEqual(set(np.unique(what)), {-1, 0})

    def test_a_perfect_answer_costs_nearly_nothing(self):
        target = row(100, 96, 164, 120)
        what, about = encode(np.stack([target]), np.zeros((0, 4)), 256, 448)
        raw = torch.zeros(1, 13, 32, 56)
        raw[:, 0] = -12
        for j, i in zip(*np.nonzero(what > 0)):
            x, y = (i + 0.5) * 8, (j + 0.5) * 8
            raw[0, 0, j, i] = 12
            raw[0, 1:5, j, i] = torch.tensor([x - 100, y - 96, 164 - x, 120 - y]).div(BOX_SCALE).log()
            raw[0, 5:, j, i] = torch.tensor((target[4:12] - np.tile([x, y], 4)) / CORNER_SCALE)
        loss, parts = detection_loss(raw, torch.from_numpy(what)[None], [torch.from_numpy(about)])
        self.assertLess(float(loss), 0.01)
        self.assertGreater(parts["iou"], 0.99)


    def test_a_plate_of_a_far_car_is_a_plate(self):
        # 40 x 9 px in a frame 1920 wide
        what, _ = encode(np.stack([row(100, 100, 113.3, 102.9)]), np.zeros((0, 4)), 256, 448)
        self.assertEqual((what > 0).sum(), 1)


class Rendering(unittest.TestCase):
    def test_two_line_plates_have_two_lines(self):
        rng = random.Random(4)
        for _ in range(6):
            self.assertEqual(render_two_line(rng).lines, 2)

    def test_bait_of_every_motif_is_a_picture_with_alpha(self):
        rng = random.Random(4)
        for own in (bait.taxi, bait.lamp, bait.grille, bait.sign, bait.panel):
            image = own(rng)
            self.assertEqual((image.dtype, image.shape[2]), (np.uint8, 4), own.__name__)
            self.assertGreater(image[..., 3].max(), 200, own.__name__)


class Labels(unittest.TestCase):
    def test_boxes_without_a_plate_are_not_taught(self):
        bad = [line.split("\t") for line in store.BAD.read_text().splitlines()[1:]]
        rows = {r["image"]: r for r in store.index()}
        with tempfile.TemporaryDirectory() as folder:
            sink = store.Writer(Path(folder), "pictures")
            for name in sorted({row[0] for row in bad}):
                sink.add([np.zeros((rows[name]["height"], rows[name]["width"], 3), np.uint8)], name=name)
            sink.close()
            for picture in store.pictures(Path(folder)):
                for name, number, _ in bad:
                    if name == picture.name:
                        gone = rows[name]["boxes"][int(number)]
                        self.assertTrue(all(evaluate.iou(gone, box) < 0.5 for box in picture.boxes), name)


class Blending(unittest.TestCase):
    def test_weights_lie_between_and_counters_are_kept(self):
        one, two = Detector(), Detector()
        two.stem[0].norm.num_batches_tracked += 7
        state = lambda net: {"mean": net.state_dict(), "size": "small", "step": 3}
        mixed = blend(state(one), state(two), 0.25)["mean"]
        for name, a in one.state_dict().items():
            b = two.state_dict()[name]
            torch.testing.assert_close(mixed[name], 0.75 * a + 0.25 * b if a.is_floating_point() else b)

    def test_networks_of_two_sizes_are_refused(self):
        with self.assertRaises(ValueError):
            blend({"size": "small", "mean": {}}, {"size": "large", "mean": {}}, 0.5)


class Shipping(unittest.TestCase):
    def test_folding_norms_and_scale_changes_nothing(self):
        torch.manual_seed(1)
        net = Detector()
        pixels = torch.randint(0, 255, (2, 64, 96, 3), dtype=torch.uint8)
        net.train()(prepare(pixels))
        net.eval()
        with torch.no_grad():
            raw = net(prepare(pixels))
            score, _, corners = shippable(net, 2.0, -1.0)(pixels.permute(0, 3, 1, 2).float())
        torch.testing.assert_close(score, (raw[:, :1] * 2 - 1).sigmoid(), atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(corners, raw[:, 5:] * CORNER_SCALE, atol=1e-3, rtol=1e-3)
        self.assertEqual(INPUT_SCALE, 64.0)

    def test_calibration_finds_the_share_of_right_ones(self):
        slope, offset = platt([(0.9, True)] * 60 + [(0.9, False)] * 40 + [(0.5, True)] * 10 + [(0.5, False)] * 90)
        at = lambda s: 1 / (1 + np.exp(-(slope * np.log(s / (1 - s)) + offset)))
        self.assertAlmostEqual(at(0.9), 0.6, places=2)
        self.assertAlmostEqual(at(0.5), 0.1, places=2)


class Drawing(unittest.TestCase):
    def test_a_sample_comes_back_as_it_was_put_and_mirrored_with_its_corners(self):
        with tempfile.TemporaryDirectory() as folder:
            ring = Ring(Path(folder), 4)
            box = np.float32([200, 100, 260, 120])
            quad = np.float32([[200, 102], [260, 100], [260, 118], [200, 120]])
            ring.put(np.zeros((HEIGHT, WIDTH, 3), np.uint8), [Target(box, quad)], [np.float32([0, 0, 5, 5])])
            image, targets, ignored = ring.draw(np.random.default_rng(1))
            np.testing.assert_array_equal(targets[0, 4:12], quad.reshape(-1))
            self.assertEqual((len(ignored), image.shape), (1, (HEIGHT, WIDTH, 3)))
            for seed in range(6):
                _, what, about = cut(*ring.draw(np.random.default_rng(seed)), np.random.default_rng(seed))
                corners = about[0, 4:12].reshape(4, 2)
                self.assertLess(corners[0, 0], corners[1, 0])
                np.testing.assert_allclose([corners[:, 0].min(), corners[:, 0].max()], about[0, [0, 2]])
                self.assertEqual(what.shape, (CUT_HEIGHT // 8, CUT_WIDTH // 8))


class Measuring(unittest.TestCase):
    def test_frames_are_fitted_as_the_program_fits_them(self):
        self.assertEqual(evaluate.input_size(1920, 1080), (384, 640))
        self.assertEqual(evaluate.input_size(640, 480), (416, 576))

    def test_cells_that_agree_are_averaged_and_others_dropped(self):
        score, ltrb, corners = np.zeros((8, 8), np.float32), np.zeros((4, 8, 8), np.float32), np.zeros((8, 8, 8), np.float32)
        for i, shift in ((3, 0.0), (4, 2.0)):
            x, y = (i + 0.5) * 8, 3.5 * 8
            score[3, i] = 0.9
            ltrb[:, 3, i] = x - 10 - shift, 8, 50 + shift - x, 8
        found = evaluate.decode(score, ltrb, corners, (0.5, 0.5), 0.5)
        self.assertEqual(len(found), 1)
        np.testing.assert_allclose(found[0][1:5], [22, 40, 102, 72], rtol=1e-5)

    def test_precision_and_recall(self):
        out = evaluate.at_precision([(0.9, True), (0.8, True), (0.7, False), (0.6, True)], 4)
        self.assertEqual(out["recall@p0.95"], 0.5)


if __name__ == "__main__":
    unittest.main()
