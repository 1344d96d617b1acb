#include "sandbox/box.h"

#include "base/encoding.h"
#include "base/log.h"
#include "sandbox/page.h"

#include <jansson.h>
#include <string.h>

#define COOKIE "sandbox_console"
enum { TOKEN_LIFE_S = 900, MIN_SESSION_S = 900, MAX_SESSION_S = 43200, MAX_TOKENS = 2000 };

/** What a sign-in token or a console cookie stands for. */
typedef struct {
    RbBoxPrincipal *who;
    gint64 until;       /* of the token or cookie itself */
    gint64 session_end; /* of the console session it starts */
    char *issuer;       /* where to go when it ends; NULL: not said */
} Ticket;

struct RbBoxConsole {
    RbBoxCloud *cloud;
    char *public_url;
    GMutex mutex;
    GHashTable *tokens;   /* Ticket by sign-in token */
    GHashTable *sessions; /* Ticket by cookie */
};

static void
ticket_free(gpointer data)
{
    Ticket *ticket = data;

    rb_box_principal_unref(ticket->who);
    g_free(ticket->issuer);
    g_free(ticket);
}

RbBoxConsole *
rb_box_console_new(RbBoxCloud *cloud, const char *public_url)
{
    RbBoxConsole *console = g_new0(RbBoxConsole, 1);

    console->cloud = cloud;
    console->public_url = g_strdup(public_url);
    console->tokens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, ticket_free);
    console->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, ticket_free);
    g_mutex_init(&console->mutex);
    return console;
}

void
rb_box_console_free(RbBoxConsole *console)
{
    if (console == NULL)
        return;
    g_hash_table_unref(console->tokens);
    g_hash_table_unref(console->sessions);
    g_mutex_clear(&console->mutex);
    g_free(console->public_url);
    g_free(console);
}

static gboolean
is_over(gpointer key, gpointer value, gpointer now)
{
    (void)key;
    return ((Ticket *)value)->until <= *(gint64 *)now;
}

/* AWS answers 400 and no reason; the log has it. */
static void
refuse(RbBoxAnswer *answer, const char *why)
{
    rb_log(RB_LOG_INFO, "signin.refused", "why", why, NULL);
    rb_box_page_problem(answer, "aws", 400, "This sign-in is not valid.", "Start again from the portal.");
}

/* The credentials in the Session parameter, if they are whole and live. */
static RbBoxPrincipal *
read_session(RbBoxConsole *console, const char *text, gint64 now)
{
    json_t *json = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *key = json_string_value(json_object_get(json, "sessionId"));
    const char *secret = json_string_value(json_object_get(json, "sessionKey"));
    const char *token = json_string_value(json_object_get(json, "sessionToken"));
    g_autoptr(RbBoxPrincipal) who = key == NULL ? NULL : rb_box_cloud_principal(console->cloud, key);
    gboolean good = who != NULL && who->role != NULL && now < who->expires_at && secret != NULL &&
                    token != NULL && rb_secret_equal_text(who->secret, secret) &&
                    rb_secret_equal_text(who->token, token);

    json_decref(json);
    return good ? g_steal_pointer(&who) : NULL;
}

static gboolean
read_duration(const RbBoxPrincipal *who, const char *text, gint64 now, gint64 *end)
{
    gint64 duration;

    *end = who->expires_at;
    if (text == NULL)
        return TRUE;
    if (who->chained || !g_ascii_string_to_signed(text, 10, MIN_SESSION_S, MAX_SESSION_S, &duration, NULL))
        return FALSE;
    *end = now + duration;
    return TRUE;
}

static void
get_signin_token(RbBoxConsole *console, GHashTable *fields, gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(RbBoxPrincipal) who = read_session(console, g_hash_table_lookup(fields, "Session"), now);
    g_autoptr(RbSecret) token = rb_secret_new_random(48);
    Ticket *ticket;
    gint64 end;

    if (who == NULL) {
        refuse(answer, "the credentials are not those of a live role session");
        return;
    }
    if (!read_duration(who, g_hash_table_lookup(fields, "SessionDuration"), now, &end)) {
        refuse(answer, "SessionDuration is out of range, or the credentials are role-chained");
        return;
    }
    ticket = g_new0(Ticket, 1);
    ticket->who = g_steal_pointer(&who);
    ticket->until = now + TOKEN_LIFE_S;
    ticket->session_end = end;
    (void)g_hash_table_foreach_remove(console->tokens, is_over, &now);
    if (g_hash_table_size(console->tokens) >= MAX_TOKENS)
        g_hash_table_remove_all(console->tokens);
    rb_log(RB_LOG_INFO, "signin.token", "for", ticket->who->arn, NULL);
    g_hash_table_insert(console->tokens, g_strdup(rb_secret_reveal(token)), ticket);
    rb_box_answer_text(answer, 200, "application/json", "{\"SigninToken\":\"%s\"}", rb_secret_reveal(token));
}

/* Only this cloud's console: anything else would be an open redirect. */
static gboolean
is_console_url(const RbBoxConsole *console, const char *url)
{
    g_autofree char *prefix = g_strconcat(console->public_url, "/console", NULL);
    gsize size = strlen(prefix);

    return url != NULL && strncmp(url, prefix, size) == 0 &&
           (url[size] == '\0' || strchr("/?#", url[size]) != NULL);
}

/* A console session of @who until @end, by a cookie that only the console's pages get. */
static void
enter(RbBoxConsole *console, RbBoxPrincipal *who, gint64 end, const char *issuer, const char *destination,
      gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(RbSecret) secret = rb_secret_new_random(32);
    g_autofree char *cookie = NULL;
    Ticket *session = g_new0(Ticket, 1);

    session->who = rb_box_principal_ref(who);
    session->until = session->session_end = end;
    session->issuer = g_strdup(issuer);
    (void)g_hash_table_foreach_remove(console->sessions, is_over, &now);
    g_hash_table_insert(console->sessions, g_strdup(rb_secret_reveal(secret)), session);
    cookie = g_strdup_printf(COOKIE "=%s; Path=/console; HttpOnly; SameSite=Lax%s", rb_secret_reveal(secret),
                             g_str_has_prefix(console->public_url, "https") ? "; Secure" : "");
    rb_box_answer_header(answer, "Set-Cookie", cookie);
    rb_log(RB_LOG_INFO, "signin.console", "who", who->arn, NULL);
    rb_box_answer_redirect(answer, destination);
}

void
rb_box_console_enter(RbBoxConsole *console, RbBoxPrincipal *who, const char *issuer, const char *destination,
                     gint64 now, RbBoxAnswer *answer)
{
    g_autofree char *home = g_strconcat(console->public_url, "/console", NULL);

    g_mutex_lock(&console->mutex);
    enter(console, who, who->expires_at, issuer, is_console_url(console, destination) ? destination : home,
          now, answer);
    g_mutex_unlock(&console->mutex);
}

static void
login(RbBoxConsole *console, GHashTable *fields, gint64 now, RbBoxAnswer *answer)
{
    const char *token = g_hash_table_lookup(fields, "SigninToken");
    const char *destination = g_hash_table_lookup(fields, "Destination");
    const Ticket *ticket = token == NULL ? NULL : g_hash_table_lookup(console->tokens, token);

    if (ticket == NULL || ticket->until <= now || now >= ticket->session_end)
        refuse(answer, "the sign-in token is unknown or older than fifteen minutes");
    else if (!is_console_url(console, destination))
        refuse(answer, "the destination is not this cloud's console");
    else
        enter(console, ticket->who, ticket->session_end, g_hash_table_lookup(fields, "Issuer"), destination,
              now, answer);
}

static void
add_row(RbBoxPage *page, const char *name, const char *value)
{
    if (value != NULL)
        rb_box_page_add(page, "<tr><th>%s</th><td><code>%s</code></td></tr>", name, value);
}

static void
console_page(const Ticket *ticket, RbBoxAnswer *answer)
{
    g_autofree char *until = rb_time_format(ticket->session_end);
    gboolean web = ticket->issuer != NULL && g_str_has_prefix(ticket->issuer, "https://");
    GHashTableIter iter;
    gpointer key, value;
    RbBoxPage page;

    rb_box_page_begin(&page, "aws", "You are in the console");
    rb_box_page_add(&page, "<div class=\"card wide\"><table>");
    add_row(&page, "Account", ticket->who->account);
    add_row(&page, "Role", ticket->who->role->name);
    add_row(&page, "Session", ticket->who->session_name);
    add_row(&page, "Source identity", ticket->who->source_identity);
    g_hash_table_iter_init(&iter, ticket->who->tags);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        g_autofree char *name = g_strdup_printf("Tag %s", (char *)key);
        add_row(&page, name, value);
    }
    add_row(&page, "Signed in as", ticket->who->arn);
    add_row(&page, "Until", until);
    rb_box_page_add(&page, "</table></div><p><a class=\"button\" href=\"/console/logout\">Sign out</a> ");
    if (web)
        rb_box_page_add(&page, "<a href=\"%s\">Back to the portal</a>", ticket->issuer);
    rb_box_page_add(&page, "</p>");
    rb_box_page_end(&page, answer, 200);
}

static void
answer_console(RbBoxConsole *console, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    g_autofree char *cookie = rb_box_request_cookie(request, COOKIE);
    const Ticket *ticket = cookie == NULL ? NULL : g_hash_table_lookup(console->sessions, cookie);

    if (ticket == NULL || ticket->until <= now) {
        rb_box_page_problem(answer, "aws", 401,
                            "You are not signed in to the console, or your session has ended.",
                            "Start again from the portal.");
    } else if (strcmp(request->path, "/console/logout") == 0) {
        g_hash_table_remove(console->sessions, cookie);
        rb_box_page_problem(answer, "aws", 200, "You are signed out.", "Nothing more to do here.");
    } else {
        console_page(ticket, answer);
    }
}

static void
answer_federation(RbBoxConsole *console, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(GHashTable) fields = rb_box_request_fields(request);
    const char *action = fields == NULL ? NULL : g_hash_table_lookup(fields, "Action");

    if (g_strcmp0(action, "getSigninToken") == 0)
        get_signin_token(console, fields, now, answer);
    else if (g_strcmp0(action, "login") == 0)
        login(console, fields, now, answer);
    else
        refuse(answer, "the action is neither getSigninToken nor login");
}

gboolean
rb_box_console_answer(RbBoxConsole *console, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    gboolean federation = strcmp(request->path, "/federation") == 0;

    if (!federation && strcmp(request->path, "/console") != 0 &&
        !g_str_has_prefix(request->path, "/console/"))
        return FALSE;
    g_mutex_lock(&console->mutex);
    if (federation)
        answer_federation(console, request, now, answer);
    else
        answer_console(console, request, now, answer);
    g_mutex_unlock(&console->mutex);
    return TRUE;
}
