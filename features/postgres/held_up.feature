@postgres @monthly
Feature: The database is well and its clients are held up
  No server is lost: one transaction, or too many connections, stand in everybody's way.

  Scenario: A long transaction locks the busiest table
    Given "orders" is healthy
    And clients write steadily
    When the busiest table of "orders" is locked for 4 seconds
    Then writes return within 10 seconds
    And no acknowledged write is lost

  Scenario: A storm of connections takes every place
    Given "orders" is healthy
    And clients write steadily
    When a storm of connections fills "orders" for 4 seconds
    Then writes return within 10 seconds
    And no acknowledged write is lost
