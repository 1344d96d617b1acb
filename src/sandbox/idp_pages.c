#include "sandbox/idp_priv.h"

#include "base/encoding.h"
#include "base/log.h"

#include <string.h>

static void
add_form(RbBoxPage *page, const char *token, const RbBoxPending *pending, const char *user,
         const char *password)
{
    rb_box_page_add(
        page,
        "<form class=\"card\" method=\"post\" action=\"/idp/login\"><input type=\"hidden\" name=\"sign_in\" "
        "value=\"%s\"><label for=\"username\">User name</label><input type=\"text\" id=\"username\" "
        "name=\"username\" value=\"%s\" autocomplete=\"username\" required><label for=\"password\">Password"
        "</label><input type=\"password\" id=\"password\" name=\"password\" value=\"%s\" "
        "autocomplete=\"current-password\" required>",
        token, user, password);
    if (pending->wants_mfa)
        rb_box_page_add(page, "<p><b>A second factor is asked for.</b></p>");
    rb_box_page_add(page, "<div class=\"row\">");
    if (!pending->wants_mfa)
        rb_box_page_add(page, "<button name=\"factor\" value=\"password\">Sign in</button>");
    rb_box_page_add(
        page,
        "<button name=\"factor\" value=\"second\" class=\"%s\">Sign in with my second factor</button>"
        "<button name=\"factor\" value=\"cancel\" class=\"quiet\" formnovalidate>Cancel</button></div>"
        "<p class=\"soft\">In the sandbox the second factor is this button: pressing it is the touch on the "
        "security key.</p></form>",
        pending->wants_mfa ? "" : "quiet");
}

void
rb_box_idp_login_page(RbBoxIdp *idp, const char *token, const RbBoxPending *pending, const char *user,
                      const char *problem, RbBoxAnswer *answer)
{
    const RbBoxPerson *chosen = user == NULL ? NULL : rb_box_idp_person(idp, user);
    RbBoxPage page;

    rb_box_page_begin(&page, "idp", "Sign in");
    if (problem != NULL)
        rb_box_page_add(&page, "<div class=\"card problem\" role=\"alert\"><p>%s</p></div>", problem);
    rb_box_page_add(&page, "<p>To go on to <code>%s</code>.</p>", pending->sp);
    add_form(&page, token, pending, user == NULL ? "" : user, chosen == NULL ? "" : chosen->password);
    rb_box_page_add(
        &page,
        "<div class=\"card\"><p>People of this made-up company, and their passwords. A name fills in the "
        "form.</p><div class=\"wide\"><table><tr><th>Person</th><th>User name</th><th>Password</th>"
        "<th>Groups</th></tr>");
    for (guint i = 0; i < idp->setting.people->len; i++) {
        const RbBoxPerson *person = idp->setting.people->pdata[i];
        g_autofree char *groups = g_strjoinv(", ", person->groups), *uid = rb_uri_encode(person->uid);

        rb_box_page_add(
            &page,
            "<tr><td><a href=\"/idp/login?sign_in=%s&amp;user=%s\">%s</a></td><td><code>%s</code></td><td>"
            "<code>%s</code></td><td class=\"soft groups\">%s</td></tr>",
            token, uid, person->name, person->uid, person->password, groups);
    }
    rb_box_page_add(&page, "</table></div></div>");
    rb_box_page_end(&page, answer, problem == NULL ? 200 : 401);
}

static void
add_attribute(GPtrArray *attributes, const char *name, const char *const *values)
{
    RbBoxAttribute *attribute = g_new0(RbBoxAttribute, 1);

    attribute->name = g_strdup(name);
    attribute->values = g_strdupv((GStrv)values);
    g_ptr_array_add(attributes, attribute);
}

static GPtrArray *
attributes_of(const RbBoxPerson *person)
{
    GPtrArray *attributes = g_ptr_array_new_with_free_func(rb_box_attribute_free);
    const char *uid[] = { person->uid, NULL }, *mail[] = { person->mail, NULL },
               *name[] = { person->name, NULL };

    add_attribute(attributes, "uid", uid);
    add_attribute(attributes, "mail", mail);
    add_attribute(attributes, "displayName", name);
    add_attribute(attributes, "groups", (const char *const *)person->groups);
    for (guint i = 0; i < person->attributes->len; i++) {
        const RbBoxAttribute *own = person->attributes->pdata[i];
        add_attribute(attributes, own->name, (const char *const *)own->values);
    }
    return attributes;
}

static void
post_page(const RbBoxPending *pending, const char *response, RbBoxAnswer *answer)
{
    g_autofree char *encoded = g_base64_encode((const guint8 *)response, strlen(response));
    RbBoxPage page;

    rb_box_page_begin(&page, "idp", "Back to where you came from");
    rb_box_page_add(&page,
                    "<form class=\"card\" id=\"carry\" method=\"post\" action=\"%s\"><input type=\"hidden\" "
                    "name=\"SAMLResponse\" value=\"%s\">",
                    pending->acs, encoded);
    if (pending->relay_state != NULL)
        rb_box_page_add(&page, "<input type=\"hidden\" name=\"RelayState\" value=\"%s\">",
                        pending->relay_state);
    rb_box_page_add(
        &page,
        "<p>Your answer is on its way to <code>%s</code>.</p><button>Continue</button></form><script "
        "nonce=\"%s\">document.getElementById('carry').submit()</script>",
        pending->sp, page.nonce);
    rb_box_page_end(&page, answer, 200);
}

void
rb_box_idp_respond(RbBoxIdp *idp, const RbBoxPending *pending, RbBoxSignOn *sign_on, const char *status,
                   gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(GPtrArray) attributes = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *response = NULL;
    RbBoxResponse say = { .issuer = idp->setting.entity_id,
                          .destination = pending->acs,
                          .audience = pending->sp,
                          .in_response_to = pending->request_id,
                          .status = status,
                          .now = now };

    if (pending->openid != NULL) { /* of what may go wrong, only the person's "Cancel" comes here */
        rb_box_openid_respond(idp, pending, sign_on, sign_on == NULL ? "access_denied" : NULL, now, answer);
        return;
    }
    if (sign_on != NULL) {
        attributes = attributes_of(sign_on->person);
        say.name_id = sign_on->person->mail;
        say.session_index = sign_on->index;
        say.context = sign_on->mfa ? RB_BOX_MFA : RB_BOX_PASSWORD;
        say.authenticated_at = sign_on->at;
        say.session_until = sign_on->until;
        say.attributes = attributes;
        g_hash_table_add(sign_on->sps, g_strdup(pending->sp));
    }
    response = rb_box_response_sign(idp->setting.signer, &say, &error);
    rb_log(RB_LOG_INFO, "idp.answered", "person", sign_on == NULL ? NULL : sign_on->person->uid, "to",
           pending->sp, "context", say.context, "status", status == NULL ? "Success" : status, NULL);
    if (response != NULL)
        post_page(pending, response, answer);
    else
        rb_box_page_problem(answer, "idp", 500, error->message, "Look at the sandbox's log.");
}
