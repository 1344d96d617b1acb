#ifndef RB_TEST_SANDBOX_HELPER_H
#define RB_TEST_SANDBOX_HELPER_H

#include "sandbox/sts.h"

#include "base/encoding.h"
#include "sandbox/init.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* What the sandbox's tests share: requests signed as a client signs them. */

#define TEST_NOW G_GINT64_CONSTANT(1795510800) /* 2026-11-24T09:00:00Z */

static inline char *
test_stamp(gint64 at)
{
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(at);

    return g_date_time_format(when, "%Y%m%dT%H%M%SZ");
}

/* A signed POST of @form by @who at @at; @region and @service as the signature shall name them. */
static inline RbBoxRequest *
test_signed(const char *target, const char *form, const RbBoxPrincipal *who, gint64 at, const char *region,
            const char *service)
{
    RbBoxRequest *request = rb_box_request_new("POST", target, "127.0.0.1", TRUE);
    g_autofree char *stamp = test_stamp(at), *canonical = NULL, *hex = NULL, *authorization = NULL;
    g_autofree char *date = g_strndup(stamp, 8);
    const char *list = who->token != NULL ? "content-type;host;x-amz-date;x-amz-security-token"
                                          : "content-type;host;x-amz-date";
    g_auto(GStrv) names = g_strsplit(list, ";", -1);
    g_autofree char *region_copy = g_strdup(region), *service_copy = g_strdup(service);
    RbBoxSignature signature = {
        who->access_key_id, date, region_copy, service_copy, stamp, NULL, NULL, names, FALSE
    };

    g_string_append(request->body, form);
    rb_box_request_add_header(request, "Host", "sts.test");
    rb_box_request_add_header(request, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    rb_box_request_add_header(request, "X-Amz-Date", stamp);
    if (who->token != NULL)
        rb_box_request_add_header(request, "X-Amz-Security-Token", rb_secret_reveal(who->token));
    canonical = rb_box_signature_canonical(&signature, request);
    hex = rb_box_signature_compute(&signature, canonical, who->secret);
    authorization = g_strdup_printf("AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=%s, "
                                    "Signature=%s",
                                    who->access_key_id, date, region, service, list, hex);
    rb_box_request_add_header(request, "Authorization", authorization);
    return request;
}

/* A directory of files only, and these. */
static inline void
test_remove_dir(const char *dir)
{
    g_autoptr(GDir) open = g_dir_open(dir, 0, NULL);
    const char *name;

    while (open != NULL && (name = g_dir_read_name(open)) != NULL) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        (void)g_unlink(path);
    }
    (void)g_rmdir(dir);
}

/* What one request was answered. */
typedef struct {
    int status;
    char *body, *location, *cookie;
} Got;

static inline void
got_clear(Got *got)
{
    g_free(got->body);
    g_free(got->location);
    g_free(got->cookie);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Got, got_clear)

/* @answer is emptied. */
static inline Got
test_got(RbBoxAnswer *answer)
{
    Got got = { answer->status, g_strdup(answer->body->str), NULL, NULL };

    for (guint i = 0; i < answer->headers->len; i++) {
        const RbBoxHeader *header = answer->headers->pdata[i];
        g_auto(GStrv) parts = g_strsplit(header->value, ";", 2);
        if (strcmp(header->name, "Location") == 0)
            got.location = g_strdup(header->value);
        if (strcmp(header->name, "Set-Cookie") == 0)
            got.cookie = g_strdup(parts[0]);
    }
    rb_box_answer_clear(answer);
    return got;
}

static char *test_template; /* where the keys are that test_init_dir copies */

static inline void
test_forget_template(void)
{
    test_remove_dir(test_template);
    g_free(test_template);
}

/* rb_box_init, but the keys are made once in a program: RSA takes its time. FALSE when anything fails. */
static inline gboolean
test_init_dir(const char *into)
{
    g_autoptr(GDir) dir = NULL;
    const char *name;
    guint made;

    if (test_template == NULL) {
        test_template = g_dir_make_tmp("sandbox-keys-XXXXXX", NULL);
        if (!rb_box_init(test_template, TEST_NOW, &made, NULL) || atexit(test_forget_template) != 0)
            return FALSE;
    }
    dir = g_dir_open(test_template, 0, NULL);
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *from = g_build_filename(test_template, name, NULL),
                        *to = g_build_filename(into, name, NULL);
        g_autofree char *text = NULL;
        gsize size;

        if (!g_file_get_contents(from, &text, &size, NULL) ||
            !g_file_set_contents_full(to, text, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL))
            return FALSE;
    }
    return dir != NULL;
}

/* The text of the first <name>…</name>; NULL when there is none. */
static inline char *
test_element(const char *xml, const char *name)
{
    g_autofree char *open = g_strdup_printf("<%s>", name), *close = g_strdup_printf("</%s>", name);
    const char *start = strstr(xml, open), *end = start == NULL ? NULL : strstr(start, close);

    return end == NULL ? NULL : g_strndup(start + strlen(open), (gsize)(end - start) - strlen(open));
}

#endif
