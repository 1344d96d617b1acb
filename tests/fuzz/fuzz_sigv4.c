#include "iam/sigv4.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static RbSecret *
lookup(const char *access_key_id, const char *session_token, gpointer data, GError **error)
{
    (void)access_key_id;
    (void)session_token;
    (void)data;
    (void)error;
    return rb_secret_new_text("a secret that no input knows");
}

/* First line: the target; then "Name: value" lines; an empty line; the body. Nothing of this verifies. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const RbSigv4Verifier verifier = { NULL, "sts", lookup, NULL, NULL };
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 50);
    RbSigv4Header headers[50];
    RbSigv4Request request = { "POST", lines[0] != NULL ? lines[0] : "", headers, 0, "", 0 };
    g_autoptr(GError) error = NULL;

    for (char **l = lines[0] != NULL ? lines + 1 : lines; *l != NULL && **l != '\0'; l++) {
        char *colon = strchr(*l, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        headers[request.n_headers++] = (RbSigv4Header){ *l, colon + 1 };
    }
    g_assert_null(rb_sigv4_verify(&verifier, &request, 1795510800, &error));
    g_assert_nonnull(error);
    return 0;
}
