@postgres @plan:DS-1a @quarterly
Feature: The database primary crashes
  The plan promises that writes return within 5 minutes and that at most 15 minutes of
  acknowledged writes are lost.

  Scenario: The primary is killed without warning
    Given "orders" is healthy
    And clients write steadily
    When the primary of "orders" is killed
    Then writes return as the plan promises
    And no more is lost than the plan allows

  @must-fail:lost>=150
  Scenario: Control: the standby was two seconds behind when the primary died
    Given "orders" is healthy
    And clients write steadily
    And the replication link of "orders" has been cut for 2 seconds
    When the primary of "orders" is killed
    Then no acknowledged write is lost
