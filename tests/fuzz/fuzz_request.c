#include "../unit/serve/fake.h"
#include "serve/priv.h"

#include <stdint.h>
#include <string.h>

/* A whole request: "METHOD TARGET\n", header lines, an empty line, the body. It goes as far as a handler,
 * which a played access/ answers; there is always an answer, and no header of it holds a line end. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static RbSite *
site_new(void)
{
    static RbSite site;

    if (site.pages != NULL)
        return &site;
    g_assert_true(rb_site_set_url(&site, "https://bridge.example", NULL));
    site.pages = rb_pages_new(NULL);
    site.proxies = rb_networks_parse((const char *const[]){ "10.0.0.0/8", NULL }, NULL);
    site.metrics_from = rb_networks_parse((const char *const[]){ "127.0.0.0/8", NULL }, NULL);
    site.rate = rb_rate_new(1000000, 1000000);
    return &site;
}

static gboolean
read_headers(RbRequest *request, char **at, GError **error)
{
    char *line;

    while ((line = strsep(at, "\n")) != NULL && *line != '\0') {
        char *colon = strchr(line, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        if (!rb_request_header(request, line, g_strstrip(colon + 1), error))
            return FALSE;
    }
    return TRUE;
}

static RbAnswer *
answer_to(RbRequest *request, const char *method, char *at, GError **error)
{
    RbAddress peer;

    g_assert_true(rb_address_parse("10.0.0.1", &peer));
    if (!read_headers(request, &at, error) || !rb_request_read_head(request, method, &peer, error))
        return rb_answer_error(request, *error, FALSE);
    if (at != NULL && *at != '\0' && strlen(at) <= request->route->body_max) {
        request->body = g_byte_array_new();
        g_byte_array_append(request->body, (const guint8 *)at, (guint)strlen(at));
    }
    return rb_route_run(request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, MIN(size, 600000));
    char *at = text, *line = strsep(&at, "\n"), *blank = strchr(line, ' ');
    g_autoptr(RbRequest) request = NULL;
    g_autoptr(RbAnswer) answer = NULL;
    g_autoptr(GError) error = NULL;

    if (blank == NULL)
        return 0;
    *blank = '\0';
    fake_reset();
    request = rb_request_new(site_new(), blank + 1);
    answer = answer_to(request, line, at, &error);
    g_assert_nonnull(answer);
    g_assert_true(answer->status >= 200 && answer->status < 600);
    for (guint i = 0; i < answer->headers->len; i++) {
        const RbHeader *header = answer->headers->pdata[i];
        g_assert_null(strpbrk(header->value, "\r\n"));
    }
    return 0;
}
