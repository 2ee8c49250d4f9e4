package io.hapax.spring;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what is wrong with a setting, and how to fix it, instead of a stack trace. */
final class SettingFailureAnalyzer extends AbstractFailureAnalyzer<InvalidSettingException> {

    @Override
    protected FailureAnalysis analyze(Throwable root, InvalidSettingException cause) {
        return new FailureAnalysis(
                "Hapax cannot guard this application. " + cause.where() + ": " + cause.what(), cause.mend(), cause);
    }
}
