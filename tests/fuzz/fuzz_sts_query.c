#include "../unit/serve/fake.h"
#include "serve/priv.h"

#include <libxml/parser.h>
#include <stdint.h>
#include <string.h>

/* Bytes as STS's query, in a body and in an address, which a played access/ answers. There is always an
 * answer, it is XML, and what is exchanged was asked for whole: a role, and a proof. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static RbSite *
site_new(void)
{
    static RbSite site;

    if (site.pages != NULL)
        return &site;
    g_assert_true(rb_site_set_url(&site, "https://bridge.example", NULL));
    site.pages = rb_pages_new(NULL);
    site.rate = rb_rate_new(1000000, 1000000);
    return &site;
}

static RbAnswer *
answer_to(const char *method, const char *target, const uint8_t *body, gsize size)
{
    g_autoptr(RbRequest) request = rb_request_new(site_new(), target);
    g_autoptr(GError) error = NULL;
    RbAddress peer;

    g_assert_true(rb_address_parse("203.0.113.7", &peer));
    g_assert_true(rb_request_header(request, "Host", "bridge.example", NULL));
    if (body != NULL)
        g_assert_true(rb_request_header(request, "Content-Type", "application/x-www-form-urlencoded", NULL));
    if (!rb_request_read_head(request, method, &peer, &error))
        return rb_answer_error(request, error, FALSE);
    if (body != NULL) {
        request->body = g_byte_array_new();
        g_byte_array_append(request->body, body, (guint)size);
    }
    return rb_route_run(request);
}

static void
check(const RbAnswer *answer)
{
    xmlDoc *doc = xmlReadMemory(rb_secret_reveal(answer->body), (int)rb_secret_size(answer->body), "answer",
                                NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);

    g_assert_nonnull(doc);
    g_assert_cmpstr(answer->content_type, ==, "text/xml");
    g_assert_true((answer->status == 200) == (fake.calls == 1));
    if (answer->status == 200) {
        g_assert_true((fake.seen_token != NULL) != (fake.seen_assertion != NULL));
        g_assert_true((fake.seen_assertion != NULL) == (fake.seen_principal != NULL));
        g_assert_true(strlen(fake.seen_role) >= 20 && strlen(fake.seen_role) <= 2048);
        g_assert_true(fake.seen_duration == 0 || (fake.seen_duration >= 900 && fake.seen_duration <= 43200));
    }
    xmlFreeDoc(doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, MIN(size, 100000));
    g_autofree char *target = g_strconcat("/sts?", text, NULL);
    g_autoptr(RbAnswer) post = NULL, get = NULL;

    fake_reset();
    post = answer_to("POST", "/sts", data, MIN(size, 100000));
    check(post);
    fake_reset();
    get = answer_to("GET", target, NULL, 0);
    if (get->content_type != NULL && strcmp(get->content_type, "text/xml") == 0) /* else no address at all */
        check(get);
    return 0;
}
