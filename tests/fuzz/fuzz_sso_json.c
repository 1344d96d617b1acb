#include "../unit/serve/fake.h"
#include "serve/priv.h"

#include <stdint.h>
#include <string.h>

/* A body for one of the sso-oidc addresses, which its first byte picks: '1' register, '2'
 * device_authorization, else token. It goes as far as the handler; there is always an answer, in AWS's form.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static RbSite *
site_new(void)
{
    static RbSite site;

    if (site.pages == NULL) {
        g_assert_true(rb_site_set_url(&site, "https://bridge.example", NULL));
        site.pages = rb_pages_new(NULL);
        site.rate = rb_rate_new(1000000, 1000000);
    }
    return &site;
}

/* NULL: too large to be read by the server. */
static RbAnswer *
answer_to(RbRequest *request, const uint8_t *body, size_t size, GError **error)
{
    RbAddress peer;

    g_assert_true(rb_address_parse("10.0.0.1", &peer));
    g_assert_true(rb_request_header(request, "Host", "bridge.example", NULL));
    g_assert_true(rb_request_header(request, "Content-Type", "application/json", NULL));
    if (!rb_request_read_head(request, "POST", &peer, error))
        return rb_answer_error(request, *error, FALSE);
    if (size > request->route->body_max)
        return NULL;
    request->body = g_byte_array_new();
    g_byte_array_append(request->body, body, (guint)size);
    return rb_route_run(request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *target = size > 0 && data[0] == '1'   ? "/client/register"
                         : size > 0 && data[0] == '2' ? "/device_authorization"
                                                      : "/token";
    g_autoptr(GError) error = NULL;
    g_autoptr(RbRequest) request = NULL;
    g_autoptr(RbAnswer) answer = NULL;

    fake_reset();
    request = rb_request_new(site_new(), target);
    if (size < 2)
        return 0;
    answer = answer_to(request, data + 1, size - 1, &error);
    g_assert_true(error == NULL);
    g_assert_true(answer == NULL || (answer->status >= 200 && answer->status < 600));
    return 0;
}
