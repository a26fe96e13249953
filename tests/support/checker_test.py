"""The checker finds each class of fault that is planted, and none where there is none."""

import unittest

from checker import FAULTS, Checker


class Faults(unittest.TestCase):
    def setUp(self):
        self.checker = Checker(clock=lambda: 0.0)
        self.checker.joined("bo", "room", "e1", 0)

    def say(self, *sequences):
        for n in sequences:
            self.checker.published("ann", "room", f"m{n}")
            self.checker.acked("ann", "room", "e1", n, f"m{n}")

    def hear(self, *sequences):
        for n in sequences:
            self.checker.delivered("bo", "room", n, f"m{n}")

    def back(self, sequence, recovered, *messages, epoch="e1"):
        self.checker.left("bo")
        self.checker.joined("bo", "room", epoch, sequence, recovered, [(n, f"m{n}") for n in messages])

    def expect(self, **counts):
        """Exactly these, by class with _ for a space; twice the same when asked twice."""
        expected = {name.replace("_", " "): count for name, count in counts.items()}
        for _ in range(2):
            faults = self.checker.faults()
            self.assertEqual({kind: count for kind, count in self.checker.counts.items() if count}, expected)
        self.assertEqual(bool(faults), any(expected.get(kind) for kind in FAULTS), faults)

    def test_what_is_heard_once_and_in_order_is_ok(self):
        self.say(1, 2, 3)
        self.hear(1, 2, 3)
        self.expect(ok=3)

    def test_what_a_recovery_brings_is_recovered(self):
        self.say(1, 2, 3, 4)
        self.hear(1)
        self.back(3, True, 2, 3)
        self.hear(4)
        self.expect(ok=2, recovered=2)

    def test_an_empty_recovery_is_whole(self):
        self.say(1)
        self.hear(1)
        self.back(1, True)
        self.expect(ok=1)

    def test_a_gap_that_is_told_is_no_fault(self):
        self.say(1, 2, 3, 4)
        self.hear(1)
        self.back(3, False)
        self.hear(4)
        self.expect(ok=2, gap_told=2)

    def test_a_new_epoch_that_is_told_is_no_fault(self):
        self.say(1, 2)
        self.hear(1)
        self.back(0, False, epoch="e2")
        self.checker.delivered("bo", "room", 1, "m9")
        self.expect(ok=2, gap_told=1)

    def test_a_reset_tells_a_gap(self):
        self.say(1, 2)
        self.hear(1)
        self.checker.reset("bo", "room", "e2", 0)
        self.checker.delivered("bo", "room", 1, "m9")
        self.expect(ok=2, gap_told=1)

    def test_nothing_is_owed_to_one_who_left(self):
        self.say(1, 2)
        self.hear(1)
        self.checker.left("bo")
        self.expect(ok=1)

    def test_a_newcomer_has_missed_nothing(self):
        self.say(1, 2)
        self.hear(1, 2)
        self.checker.joined("cy", "room", "e1", 2)
        self.expect(ok=2)

    def test_a_hole_in_the_live_stream_is_silent(self):
        self.hear(1, 4, 5)
        self.expect(ok=3, gap_silent=2)

    def test_a_hole_in_a_recovery_is_silent(self):
        self.hear(1)
        self.back(4, True, 2, 4)
        self.expect(ok=1, recovered=2, gap_silent=1)

    def test_a_recovery_that_ends_before_its_position_is_silent(self):
        self.hear(1)
        self.back(4, True, 2, 3)
        self.hear(5)
        self.expect(ok=2, recovered=2, gap_silent=1)

    def test_a_hole_at_the_seam_is_silent(self):
        self.hear(1)
        self.back(3, True, 2, 3)
        self.hear(5)
        self.expect(ok=2, recovered=2, gap_silent=1)

    def test_a_part_that_is_called_nothing_is_silent(self):
        self.hear(1)
        self.back(3, False, 3)
        self.expect(ok=1, gap_told=2, gap_silent=1)

    def test_another_epoch_that_calls_itself_whole_is_silent(self):
        self.hear(1)
        self.back(2, True, 2, epoch="e2")
        self.expect(ok=1, gap_silent=1)

    def test_another_epoch_on_a_live_connection_is_silent(self):
        self.hear(1)
        self.checker.delivered("bo", "room", 2, "m2", epoch="e2")
        self.expect(ok=1, gap_silent=1)

    def test_a_tail_that_never_comes_is_lost(self):
        self.say(1, 2, 3)
        self.hear(1)
        self.expect(ok=1, lost=2)

    def test_nothing_heard_at_all_is_lost(self):
        self.say(1)
        self.expect(lost=1)

    def test_the_order_changed_is_reordered_and_not_a_hole(self):
        self.hear(1, 3, 2, 4)
        self.expect(ok=3, reordered=1)

    def test_a_delivery_before_the_join_is_reordered(self):
        self.checker.delivered("cy", "room", 1, "m1")
        self.expect(reordered=1)

    def test_heard_again_is_duplicated(self):
        self.hear(1, 2, 2)
        self.expect(ok=2, duplicated=1)

    def test_heard_again_at_the_seam_is_duplicated(self):
        self.hear(1)
        self.back(3, True, 2, 3)
        self.hear(3, 4)
        self.expect(ok=2, recovered=2, duplicated=1)

    def test_recovered_though_it_was_heard_is_duplicated(self):
        self.hear(1, 2)
        self.back(3, True, 2, 3)
        self.expect(ok=2, recovered=1, duplicated=1)

    def test_acknowledged_at_two_places_is_duplicated(self):
        self.hear(1)
        self.checker.acked("ann", "room", "e1", 1, "m1")
        self.checker.acked("ann", "room", "e1", 2, "m1")
        self.checker.left("bo")
        self.expect(ok=1, duplicated=1)

    def test_heard_at_another_place_than_acknowledged_is_duplicated(self):
        self.checker.acked("ann", "room", "e1", 1, "m1")
        self.hear(1)
        self.checker.delivered("bo", "room", 2, "m1")
        self.expect(ok=2, duplicated=1)

    def test_two_messages_at_one_position_are_renamed(self):
        self.say(1)
        self.checker.delivered("bo", "room", 1, "other")
        self.expect(ok=1, renamed=1)

    def test_readers_and_rooms_are_judged_by_themselves(self):
        self.checker.joined("cy", "room", "e1", 0)
        self.checker.joined("bo", "other", "e9", 7)
        self.hear(1, 2)
        self.checker.delivered("cy", "room", 2, "m2")
        self.checker.delivered("bo", "other", 8, "o8")
        self.expect(ok=4, gap_silent=1)

    def test_a_position_known_from_elsewhere_is_where_one_is(self):
        self.checker.knows("cy", "room", "e1", 4)
        self.assertEqual(self.checker.position("cy", "room"), ("e1", 4))
        self.checker.joined("cy", "room", "e1", 6, True, [(6, "m6")])
        self.expect(recovered=1, gap_silent=1)

    def test_each_event_is_recorded_with_all_that_names_it(self):
        self.say(1)
        self.hear(1)
        self.assertEqual([tuple(record) for record in self.checker.records],
                         [("join", "room", "e1", 0, None, "bo", 0.0),
                          ("publish", "room", None, None, "m1", "ann", 0.0),
                          ("ack", "room", "e1", 1, "m1", "ann", 0.0),
                          ("delivery", "room", "e1", 1, "m1", "bo", 0.0)])

    def test_tell_fails_where_there_is_a_fault(self):
        said = []
        self.hear(1)
        self.checker.tell(said.append)
        self.assertEqual(said, ["# ok 1, recovered 0, gap told 0, gap silent 0, lost 0, reordered 0, "
                                "duplicated 0, renamed 0"])
        self.hear(3)
        with self.assertRaisesRegex(AssertionError, r"1 faults .*\n.*never heard \[2\]"):
            self.checker.tell(said.append)


if __name__ == "__main__":
    unittest.main()
