#include "deploy/client.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/query.h"

#include <openssl/rand.h>
#include <string.h>

enum {
    ATTEMPTS = 9,
    CALL_MS = 20000,
    PAUSE_MS = 100,
    PAUSE_MAX_MS = 15000,
    ANSWER_MAX = 16 * 1024 * 1024,
    PAGES_MAX = 10000,
};

struct RbIam {
    RbIamSetting setting;
    char *url, *region;
    RbSigv4Keys *keys;
};

GQuark
rb_iam_error_quark(void)
{
    return g_quark_from_static_string("rb-iam-error");
}

/* Where IAM is; one for all regions of a partition. */
static const struct {
    const char *partition, *url, *region;
} homes[] = {
    { "aws", "https://iam.amazonaws.com/", "us-east-1" },
    { "aws-cn", "https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1" },
    { "aws-us-gov", "https://iam.us-gov.amazonaws.com/", "us-gov-west-1" },
    { "aws-eusc", "https://iam.eusc-de-east-1.amazonaws.eu/", "eusc-de-east-1" },
};

RbIam *
rb_iam_new(const RbIamSetting *setting)
{
    for (gsize i = 0; i < G_N_ELEMENTS(homes); i++)
        if (g_str_equal(homes[i].partition, setting->partition)) {
            RbIam *iam = g_new0(RbIam, 1);
            iam->setting = *setting;
            iam->url = g_strdup(setting->endpoint != NULL ? setting->endpoint : homes[i].url);
            iam->region = g_strdup(homes[i].region);
            iam->keys = rb_sigv4_keys_new();
            return iam;
        }
    return NULL;
}

void
rb_iam_free(RbIam *iam)
{
    if (iam == NULL)
        return;
    g_free(iam->url);
    g_free(iam->region);
    rb_sigv4_keys_free(iam->keys);
    g_free(iam);
}

const char *
rb_iam_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

/* Look-alikes of IAM send documents plain; a "%" in one of those is a "%". */
char *
rb_iam_document(const char *encoded)
{
    const char *start = encoded + strspn(encoded, " \t\r\n");

    return *start == '{' ? g_strdup(encoded) : g_uri_unescape_string(encoded, NULL);
}

/* ---- one attempt ---- */

static const struct {
    const char *name;
    RbIamCode code;
    gboolean again;
} codes[] = {
    { "NoSuchEntity", RB_IAM_NO_SUCH_ENTITY, FALSE },
    { "EntityAlreadyExists", RB_IAM_EXISTS, FALSE },
    { "LimitExceeded", RB_IAM_LIMIT, FALSE },
    { "DeleteConflict", RB_IAM_CONFLICT, FALSE },
    { "MalformedPolicyDocument", RB_IAM_MALFORMED, FALSE },
    { "InvalidInput", RB_IAM_MALFORMED, FALSE },
    { "ValidationError", RB_IAM_MALFORMED, FALSE },
    { "AccessDenied", RB_IAM_DENIED, FALSE },
    { "InvalidClientTokenId", RB_IAM_DENIED, FALSE },
    { "SignatureDoesNotMatch", RB_IAM_DENIED, FALSE },
    { "ConcurrentModification", RB_IAM_OTHER, TRUE },
    { "EntityTemporarilyUnmodifiable", RB_IAM_OTHER, TRUE },
    { "Throttling", RB_IAM_OTHER, TRUE },
    { "ThrottlingException", RB_IAM_OTHER, TRUE },
    { "RequestLimitExceeded", RB_IAM_OTHER, TRUE },
    { "ServiceFailure", RB_IAM_OTHER, TRUE },
    { "ServiceUnavailable", RB_IAM_OTHER, TRUE },
    { "InternalFailure", RB_IAM_OTHER, TRUE },
};

/* What was made a moment ago is not known everywhere yet; nor what was taken away. */
static gboolean
is_settling(const char *action, const char *name, const char *message)
{
    if (g_str_equal(name, "NoSuchEntity"))
        return g_str_equal(action, "AttachRolePolicy");
    return g_str_equal(name, "DeleteConflict") ||
           (g_str_equal(name, "MalformedPolicyDocument") && strstr(message, "Invalid principal") != NULL);
}

/* @error: what the answer says. Returns: whether it may fare better in a moment */
static gboolean
read_failure(const char *action, const RbHttpResponse *response, const json_t *answer, GError **error)
{
    const json_t *part = json_object_get(json_object_get(answer, "ErrorResponse"), "Error");
    const char *name = rb_iam_text(part, "Code"), *message = rb_iam_text(part, "Message");
    g_autofree char *shown = rb_text_printable(message, 500), *quoted = rb_text_quote(name);
    RbIamCode code = RB_IAM_OTHER;
    gboolean again = response->status >= 500 || response->status == 429 || is_settling(action, name, message);

    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
        if (g_str_equal(codes[i].name, name)) {
            code = codes[i].code;
            again = again || codes[i].again;
        }
    if (*name == '\0')
        g_set_error(error, RB_IAM_ERROR, RB_IAM_OTHER, "%s: IAM answered with HTTP status %d", action,
                    response->status);
    else
        g_set_error(error, RB_IAM_ERROR, (gint)code, "%s: %s: %s", action, quoted, shown);
    return again;
}

/* NULL with @error; @again: worth another try; @lost: it may have been done all the same. */
static json_t *
attempt(RbIam *iam, const char *action, GBytes *form, gboolean *again, gboolean *lost, GError **error)
{
    g_autoptr(RbCredentials) own = iam->setting.credentials(iam->setting.data, error);
    const RbQueryCall call = { iam->url, iam->region, "iam", own, form, ANSWER_MAX };
    g_autoptr(RbHttpResponse) response = NULL;
    json_t *answer;

    *again = FALSE;
    if (own == NULL)
        return NULL;
    response =
        rb_query_send(iam->setting.http, iam->keys, &call, rb_clock_now(&iam->setting.clock), CALL_MS, error);
    *again = response == NULL;
    *lost = *lost || response == NULL || response->status >= 500;
    if (response == NULL)
        return NULL;
    answer = rb_query_read(response->body, response->status == 200 ? error : NULL);
    if (response->status == 200)
        return answer;
    *again = read_failure(action, response, answer, error);
    json_decref(answer);
    return NULL;
}

static gboolean
is_stopped(const RbIam *iam)
{
    return iam->setting.stop != NULL && g_atomic_int_get(iam->setting.stop) != 0;
}

/* Full jitter, so that many accounts do not come back in step; in slices, so that a stop is seen. */
static void
wait_before(const RbIam *iam, guint n)
{
    guint limit = MIN((guint)PAUSE_MS << MIN(n, 10u), (guint)PAUSE_MAX_MS);
    guint32 random = 0;

    if (RAND_bytes((unsigned char *)&random, sizeof random) != 1)
        g_error("the system's random generator does not answer");
    random %= limit;
    if (iam->setting.pause != NULL) {
        iam->setting.pause(random);
        return;
    }
    for (guint slept = 0; slept < random && !is_stopped(iam); slept += PAUSE_MS)
        g_usleep((gulong)MIN(PAUSE_MS, random - slept) * 1000);
}

static GBytes *
make_form(const char *action, const char *const *fields)
{
    RbForm *form = rb_form_new(action);

    rb_form_add(form, "Version", "2010-05-08");
    for (guint i = 0; fields != NULL && fields[i] != NULL; i += 2)
        rb_form_add(form, fields[i], fields[i + 1]);
    return rb_form_end(form);
}

/* The Result of "{ActionResponse: {ActionResult: {…}}}". An answer to something else is none: taken for one
 * it would be an account in which there is nothing. */
static json_t *
result_of(const char *action, json_t *answer, GError **error)
{
    g_autofree char *response = g_strconcat(action, "Response", NULL);
    g_autofree char *result = g_strconcat(action, "Result", NULL);
    json_t *found = json_object_get(json_object_get(answer, response), result), *out = NULL;

    if (json_object_get(answer, response) == NULL)
        (void)rb_fault(error, RB_FAULT_STS, "%s: IAM answered something else", action);
    else
        out = json_is_object(found) ? json_incref(found) : json_object();
    json_decref(answer);
    return out;
}

json_t *
rb_iam_call(RbIam *iam, const char *action, const char *const *fields, GError **error)
{
    g_autoptr(GBytes) form = make_form(action, fields);
    gboolean lost = FALSE;

    for (guint n = 1;; n++) {
        g_autoptr(GError) reason = NULL;
        gboolean again = FALSE;
        json_t *answer;
        if (is_stopped(iam)) {
            g_set_error(error, RB_IAM_ERROR, RB_IAM_STOPPED, "stopped before %s", action);
            return NULL;
        }
        answer = attempt(iam, action, form, &again, &lost, &reason);
        if (answer != NULL)
            return result_of(action, answer, error);
        if (lost && g_error_matches(reason, RB_IAM_ERROR, RB_IAM_EXISTS))
            return json_object(); /* made by an attempt whose answer did not come */
        if (!again || n == ATTEMPTS) {
            g_propagate_error(error, g_steal_pointer(&reason));
            return NULL;
        }
        wait_before(iam, n);
    }
}

gboolean
rb_iam_do(RbIam *iam, const char *action, const char *const *fields, GError **error)
{
    json_t *result = rb_iam_call(iam, action, fields, error);

    json_decref(result);
    return result != NULL;
}

/* One page: @fields and where it begins. */
static json_t *
ask_page(RbIam *iam, const char *action, const char *const *fields, const char *marker, GError **error)
{
    g_autoptr(GPtrArray) asked = g_ptr_array_new();
    const char *const more[] = { "MaxItems", "1000", marker == NULL ? NULL : "Marker", marker, NULL };

    for (guint i = 0; fields != NULL && fields[i] != NULL; i++)
        g_ptr_array_add(asked, (char *)fields[i]);
    for (guint i = 0; more[i] != NULL; i++)
        g_ptr_array_add(asked, (char *)more[i]);
    g_ptr_array_add(asked, NULL);
    return rb_iam_call(iam, action, (const char *const *)asked->pdata, error);
}

/* Where @result goes on; NULL at the end, and with @error where it is not said. */
static char *
next_page(const char *action, const json_t *result, const char *marker, GError **error)
{
    const char *next = rb_iam_text(result, "Marker");

    if (!g_str_equal(rb_iam_text(result, "IsTruncated"), "true"))
        return NULL;
    if (*next != '\0' && g_strcmp0(next, marker) != 0)
        return g_strdup(next);
    (void)rb_fault(error, RB_FAULT_STS, "%s: IAM does not say where its list goes on", action);
    return NULL;
}

json_t *
rb_iam_list(RbIam *iam, const char *action, const char *key, const char *const *fields, GError **error)
{
    json_t *all = json_array();
    g_autofree char *marker = NULL;
    g_autoptr(GError) why = NULL;

    for (guint page = 0; page < PAGES_MAX; page++) {
        json_t *result = ask_page(iam, action, fields, marker, &why);
        char *next = result == NULL ? NULL : next_page(action, result, marker, &why);
        if (json_is_array(json_object_get(result, key)))
            (void)json_array_extend(all, json_object_get(result, key));
        json_decref(result);
        g_free(marker);
        marker = next;
        if (next == NULL && why == NULL)
            return all;
        if (why != NULL)
            break;
    }
    if (why == NULL)
        (void)rb_fault(&why, RB_FAULT_STS, "%s: more than %d pages", action, PAGES_MAX);
    g_propagate_error(error, g_steal_pointer(&why));
    json_decref(all);
    return NULL;
}
