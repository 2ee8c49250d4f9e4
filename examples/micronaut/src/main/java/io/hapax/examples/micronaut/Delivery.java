package io.hapax.examples.micronaut;

/** Takes an order away. */
interface Delivery {

    void deliver(int order);
}
