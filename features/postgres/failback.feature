@postgres @plan:AE-7 @monthly
Feature: The old primary leads again
  After a takeover the pair is led back to where it was, in order and without loss.

  Scenario: The leadership goes back to the old primary
    Given "orders" is healthy
    And clients write steadily
    And the leadership of "orders" has moved to the standby
    When the leadership of "orders" goes back
    Then writes return as the plan promises
    And no acknowledged write is lost
