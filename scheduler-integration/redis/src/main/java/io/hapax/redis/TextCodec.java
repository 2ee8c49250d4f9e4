package io.hapax.redis;

import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.redisson.client.codec.StringCodec;
import org.redisson.client.protocol.Encoder;

/**
 * Texts in UTF-8, as {@link StringCodec} has them, but encoded all at once: that one takes a buffer from a pool for each argument, and writes it
 * character by character.
 */
final class TextCodec extends StringCodec {

    static final TextCodec INSTANCE = new TextCodec();

    private static final Encoder ENCODER =
            text -> Unpooled.wrappedBuffer(text.toString().getBytes(StandardCharsets.UTF_8));

    private TextCodec() {
        super(StandardCharsets.UTF_8);
    }

    @Override
    public Encoder getValueEncoder() {
        return ENCODER;
    }

    @Override
    public Encoder getEncoder() {
        return ENCODER;
    }
}
