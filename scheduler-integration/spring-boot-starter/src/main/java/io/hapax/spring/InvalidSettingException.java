package io.hapax.spring;

import org.jspecify.annotations.Nullable;

/** A setting of the application that the guard cannot keep; {@link SettingFailureAnalyzer} reports it. */
final class InvalidSettingException extends IllegalStateException {

    private static final long serialVersionUID = 1L;

    private final String where;
    private final String what;
    private final String mend;

    InvalidSettingException(String where, String what, String mend, @Nullable Throwable cause) {
        super(where + ": " + what + (what.endsWith("?") || what.endsWith(".") ? " " : ". ") + mend, cause);
        this.where = where;
        this.what = what;
        this.mend = mend;
    }

    String where() {
        return where;
    }

    String what() {
        return what;
    }

    String mend() {
        return mend;
    }
}
