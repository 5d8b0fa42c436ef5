@postgres @monthly
Feature: The clock of the primary is wrong
  No acknowledged write may hang on the time of day, and a takeover must come in spite of it.

  Scenario: The clock of the primary jumps an hour ahead
    Given "invoices" is healthy
    And clients write steadily
    When the clock of the primary of "invoices" jumps 1 hour ahead
    Then writes return within 2 seconds
    And no acknowledged write is lost

  Scenario: The primary dies when its clock has been set back by an hour
    Given "invoices" is healthy
    And clients write steadily
    And the clock of the primary of "invoices" has just been set back by 1 hour
    When the primary of "invoices" is killed
    Then writes return within 1 minute
    And at most 5 seconds of acknowledged writes are lost
