#include "policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

RbPolicy *
policy_of(RbPolicyKind kind, const char *file, const char *text)
{
    g_autofree char *json = g_strdelimit(g_strdup(text), "'", '"');
    g_autoptr(GBytes) bytes = g_bytes_new(json, strlen(json));
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbPolicy *policy = rb_policy_parse(kind, file, bytes, problems);

    if (!policy) {
        g_autofree char *told = rb_diagnostics_to_text(problems, FALSE);

        fail_msg("%s: %s\n%s", file, told, json);
    }
    return policy;
}

RbRequestContext *
context_of(const char *text)
{
    RbRequestContext *context = rb_request_context_new();
    g_auto(GStrv) parts = g_strsplit(text, "|", -1);

    for (char **part = parts; *part; part++) {
        char *is = strchr(*part, '=');

        if (is) {
            *is = '\0';
            rb_request_context_add(context, *part, is + 1);
        } else if (**part) {
            rb_request_context_add_empty(context, *part);
        }
    }
    return context;
}
