#include "rolebridge/agent_priv.h"

#include "base/encoding.h"
#include "rolebridge/bridge.h"
#include "rolebridge/token.h"

void
rb_agent_person_init(RbAgentPerson *person, RbCli *cli)
{
    *person = (RbAgentPerson){ .cli = cli };
    g_mutex_init(&person->mutex);
}

void
rb_agent_person_clear(RbAgentPerson *person)
{
    g_free(person->name);
    g_free(person->token);
    g_free(person->error);
    g_mutex_clear(&person->mutex);
}

/* Asks the bridge whose the token is, which is a new one. The mutex is held. */
static gboolean
identify(RbAgentPerson *person, const RbToken *token, const char *handle, gboolean *changed, GError **error)
{
    json_t *answer = rb_bridge_get(person->cli, "/api/v1/whoami", NULL, error);
    const char *name = answer == NULL ? NULL : rb_bridge_text(answer, "name", error);

    if (name != NULL) {
        *changed = person->name != NULL && !g_str_equal(person->name, name);
        g_free(person->name);
        person->name = g_strdup(name);
        g_free(person->token);
        person->token = g_strdup(handle);
        person->expires_at = token->expires_at;
        person->renewed_at = rb_clock_now(&person->cli->clock);
    }
    json_decref(answer);
    return name != NULL;
}

/* @token: as cached. The mutex is held. */
static gboolean
look_at(RbAgentPerson *person, const RbToken *token, gboolean *changed, GError **error)
{
    g_autofree char *handle = rb_secret_handle(token->access_token);

    if (g_strcmp0(handle, person->token) == 0)
        return TRUE;
    return identify(person, token, handle, changed, error);
}

/* Notes how it went. The mutex is held. */
static void
note(RbAgentPerson *person, const GError *error)
{
    g_clear_pointer(&person->error, g_free);
    if (error != NULL)
        person->error = rb_text_printable(error->message, 500);
    if (error == NULL)
        person->ended_at = 0;
    else if (error->domain == RB_REFUSAL && person->ended_at == 0)
        person->ended_at = rb_clock_now(&person->cli->clock);
}

gboolean
rb_agent_person_check(RbAgentPerson *person, gint64 sooner_s, gboolean *changed, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(RbToken) token = NULL;
    gboolean good;

    *changed = FALSE;
    g_mutex_lock(&person->mutex);
    token = rb_token_renewed(person->cli, sooner_s, &why);
    /* while the bridge is out of reach nobody new signs in: what is held is still this person's */
    good = token != NULL ? look_at(person, token, changed, &why)
                         : person->name != NULL && why->domain == RB_FAULT;
    note(person, why);
    g_mutex_unlock(&person->mutex);
    if (!good)
        g_propagate_error(error, g_steal_pointer(&why));
    return good;
}
