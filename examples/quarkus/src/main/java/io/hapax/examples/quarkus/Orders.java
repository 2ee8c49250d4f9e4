package io.hapax.examples.quarkus;

import io.vertx.ext.web.Router;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/** Takes orders over HTTP. */
@Singleton
class Orders {

    private final Shop shop;

    Orders(Shop shop) {
        this.shop = shop;
    }

    void routes(@Observes Router router) {
        router.get("/ship/:customer/:order")
                .blockingHandler(
                        request -> request.end(shop.ship(
                                        Integer.parseInt(request.pathParam("customer")),
                                        Integer.parseInt(request.pathParam("order")))
                                .orElse("not shipped")),
                        false);
    }
}
