@postgres @monthly
Feature: The machine of the primary stands still and comes back
  A paused machine answers nobody, and when it goes on it does not know that it no longer leads:
  what it still acknowledges to whoever kept a connection is thrown away, and counted apart.

  @plan:AE-2
  Scenario: An asynchronous pair goes on without it
    Given "orders" is healthy
    And clients write steadily
    When the machine of the primary of "orders" stands still
    Then writes return as the plan promises
    And no more is lost than the plan allows

  @plan:KE-6
  Scenario: A synchronous pair loses nothing when it comes back
    Given "payments" is healthy
    And clients write steadily
    When the machine of the primary of "payments" stands still
    Then writes return as the plan promises
    And no acknowledged write is lost
