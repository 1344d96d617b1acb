#include "base/refusal.h"
#include "net/net.h"
#include "rolebridge/callback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A browser: GETs one address and says what page it was shown. */
typedef struct {
    char *url;
    int status;
    char *page; /* NULL: the connection ended without one */
} Browser;

static gpointer
browse(gpointer data)
{
    Browser *browser = data;
    g_autoptr(RbHttp) http = rb_http_new(NULL, NULL);
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", browser->url);
    g_autoptr(RbHttpResponse) response = rb_http_fetch(http, request, NULL);

    if (response != NULL) {
        browser->status = response->status;
        browser->page = g_strndup(g_bytes_get_data(response->body, NULL), g_bytes_get_size(response->body));
    }
    return NULL;
}

static void
browser_clear(Browser *browser)
{
    g_free(browser->url);
    g_free(browser->page);
}

static const struct {
    const char *name, *query;
    const char *code; /* NULL: refused */
    RbRefusalCode want;
    const char *page;
} answers[] = {
    { "a code", "code=c-1&state=right", "c-1", RB_ACCEPTED, "You are signed in" },
    { "denied", "error=access_denied&state=right", NULL, RB_SSO_DENIED, "Not signed in" },
    { "another error", "error=%1b%5b31mred&state=right", NULL, RB_SSO_DENIED, "Not signed in" },
};

/* The program may end as soon as it has its answer: the page must have reached the browser by then. */
static void
test_the_page_arrives_first(void **state)
{
    (void)state;
    for (guint i = 0; i < 60; i++) {
        gsize row = i % G_N_ELEMENTS(answers);
        g_autoptr(GError) error = NULL;
        RbCallback *callback = rb_callback_new("right", &error);
        Browser browser = { 0 };
        GThread *thread;
        g_autofree char *code = NULL;
        assert_non_null(callback);
        browser.url = g_strdup_printf("%s?%s", rb_callback_uri(callback), answers[row].query);
        thread = g_thread_new("browser", browse, &browser);
        code = rb_callback_wait(callback, 20, &error);
        rb_callback_free(callback);
        (void)g_thread_join(thread);
        if (g_strcmp0(code, answers[row].code) != 0 ||
            (answers[row].want != RB_ACCEPTED && !rb_is_refusal(error, answers[row].want)) ||
            browser.page == NULL || strstr(browser.page, answers[row].page) == NULL ||
            (error != NULL && strchr(error->message, '\033') != NULL))
            fail_msg("%s, round %u: code %s, page %s", answers[row].name, i, code, browser.page);
        browser_clear(&browser);
    }
}

static const struct {
    const char *name, *path;
    int status;
} strangers[] = {
    { "another state", "/oauth/callback?code=c-1&state=wrong", 400 },
    { "no state", "/oauth/callback?code=c-1", 400 },
    { "neither code nor error", "/oauth/callback?state=right", 400 },
    { "another path", "/favicon.ico?code=c-1&state=right", 404 },
};

static void
test_strangers_end_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbCallback) callback = rb_callback_new("right", NULL);
        g_autofree char *root = g_strndup(rb_callback_uri(callback),
                                          strlen(rb_callback_uri(callback)) - strlen("/oauth/callback"));
        g_autofree char *code = NULL;
        Browser browser = { .url = g_strconcat(root, strangers[i].path, NULL) };
        (void)browse(&browser);
        code = rb_callback_wait(callback, 0, &error);
        if (browser.status != strangers[i].status || code != NULL || !rb_is_refusal(error, RB_SSO_EXPIRED))
            fail_msg("%s: status %d, code %s", strangers[i].name, browser.status, code);
        browser_clear(&browser);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_the_page_arrives_first),
                                        cmocka_unit_test(test_strangers_end_nothing) };

    return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}
