#include "sandbox/signin.h"

#include "base/log.h"
#include "sandbox/assertion.h"
#include "sandbox/page.h"

#include <string.h>

static void
refuse(RbBoxAnswer *answer, const RbAwsError *error)
{
    rb_log(RB_LOG_INFO, "signin.refused", "code", error->code, "message", error->message, "why", error->why,
           NULL);
    rb_box_page_problem(answer, "aws", error->status, error->message, "Start again from the portal.");
}

/* Several roles: the person chooses, and the answer comes back with it, as AWS's own page does. */
static void
chooser(const RbBoxAssertion *assertion, GHashTable *fields, RbBoxAnswer *answer)
{
    const GPtrArray *roles = rb_box_assertion_roles(assertion);
    const char *state = g_hash_table_lookup(fields, "RelayState");
    RbBoxPage page;

    rb_box_page_begin(&page, "aws", "Select a role");
    rb_box_page_add(
        &page,
        "<form class=\"card\" method=\"post\" action=\"/saml\"><input type=\"hidden\" "
        "name=\"SAMLResponse\" value=\"%s\"><input type=\"hidden\" name=\"RelayState\" value=\"%s\">"
        "<p>Your identity provider offers several roles.</p>",
        (const char *)g_hash_table_lookup(fields, "SAMLResponse"), state == NULL ? "" : state);
    for (guint i = 0; i < roles->len; i++)
        rb_box_page_add(&page, "<p><button name=\"roleIndex\" value=\"%s\" class=\"quiet\">%s</button></p>",
                        ((RbBoxRolePair *)roles->pdata[i])->role_arn,
                        ((RbBoxRolePair *)roles->pdata[i])->role_arn);
    rb_box_page_add(&page, "</form>");
    rb_box_page_end(&page, answer, 200);
}

static const RbBoxRolePair *
find_pair(const RbBoxAssertion *assertion, const char *role_arn)
{
    const GPtrArray *roles = rb_box_assertion_roles(assertion);

    for (guint i = 0; i < roles->len; i++)
        if (role_arn == NULL || strcmp(((RbBoxRolePair *)roles->pdata[i])->role_arn, role_arn) == 0)
            return roles->pdata[i];
    return NULL;
}

/* The session of the pair's role; NULL with the reason. */
static RbBoxPrincipal *
assume(const RbStsCall *call, const RbBoxAssertion *assertion, const RbBoxRolePair *pair, char **issuer,
       RbAwsError *error)
{
    RbBoxProvider *provider = rb_box_cloud_provider(call->sts->cloud, pair->provider_arn);
    RbBoxVouched vouched = { 0 };
    RbBoxPrincipal *session = NULL;
    RbStsAsk ask;
    gint64 packed = 0;

    if (provider == NULL || !rb_box_provider_is_saml(provider)) {
        (void)rb_aws_refuse(error, 400, "InvalidIdentityToken", "Specified provider doesn't exist");
        return NULL;
    }
    rb_sts_ask_init(&ask);
    ask.role_arn = pair->role_arn;
    session = rb_box_assume_with(call, assertion, provider, TRUE, &ask, &vouched, &packed, error);
    *issuer = g_strdup(vouched.issuer);
    rb_sts_ask_clear(&ask);
    rb_box_vouched_clear(&vouched);
    return session;
}

static void
sign_in(const RbStsCall *call, const RbBoxAssertion *assertion, RbBoxConsole *console, RbBoxAnswer *answer)
{
    const RbBoxRolePair *pair = find_pair(assertion, g_hash_table_lookup(call->fields, "roleIndex"));
    g_autoptr(RbBoxPrincipal) session = NULL;
    g_autofree char *issuer = NULL;
    RbAwsError error = { NULL, 0, NULL, NULL };

    if (pair == NULL)
        (void)rb_aws_refuse(&error, 403, "AccessDenied", "Your request included an invalid SAML response.");
    else
        session = assume(call, assertion, pair, &issuer, &error);
    if (session == NULL)
        refuse(answer, &error);
    else
        rb_box_console_enter(console, session, issuer, g_hash_table_lookup(call->fields, "RelayState"),
                             call->now, answer);
    rb_aws_error_clear(&error);
}

void
rb_box_signin_answer(const RbBoxSts *sts, RbBoxConsole *console, const RbBoxRequest *request, gint64 now,
                     RbBoxAnswer *answer)
{
    g_autoptr(GHashTable) fields = rb_box_request_fields(request);
    const char *response = fields == NULL ? NULL : g_hash_table_lookup(fields, "SAMLResponse");
    const RbStsCall call = {
        .sts = sts, .request = request, .fields = fields, .region = sts->regions[0], .now = now
    };
    RbAwsError error = { NULL, 0, NULL, NULL };
    g_autoptr(RbBoxAssertion) assertion = response == NULL ? NULL : rb_box_assertion_read(response, &error);

    if (response == NULL)
        (void)rb_aws_refuse(&error, 400, "InvalidIdentityToken",
                            "Your request did not include a SAML response.");
    else if (assertion != NULL && rb_box_assertion_roles(assertion)->len == 0)
        (void)rb_aws_refuse(&error, 400, "InvalidIdentityToken",
                            "Your request included an invalid SAML response.");
    if (error.code != NULL)
        refuse(answer, &error);
    else if (rb_box_assertion_roles(assertion)->len > 1 && !g_hash_table_contains(fields, "roleIndex"))
        chooser(assertion, fields, answer);
    else
        sign_in(&call, assertion, console, answer);
    rb_aws_error_clear(&error);
}
