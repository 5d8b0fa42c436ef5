@postgres @monthly
Feature: The standby is lost and the primary goes on
  Clients of an asynchronous pair notice nothing. A synchronous pair may wait until its manager
  has noticed, but not for a standby that only seems to be there.

  Scenario: The standby of an asynchronous pair is killed
    Given "orders" is healthy
    And clients write steadily
    When the standby of "orders" is killed
    Then writes return within 2 seconds
    And no acknowledged write is lost

  Scenario: The standby of a synchronous pair is killed
    Given "payments" is healthy
    And clients write steadily
    When the standby of "payments" is killed
    Then writes return within 10 seconds
    And no acknowledged write is lost

  @must-fail:rto>=5
  Scenario: Control: a synchronous pair waits for a standby that falls silent
    Given "payments" is healthy
    And clients write steadily
    When the replication of "payments" falls silent for 7 seconds
    Then writes return within 5 seconds
    And no acknowledged write is lost
