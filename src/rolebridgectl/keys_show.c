#include "rolebridgectl/keys.h"

#include "base/encoding.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What `rolebridgectl keys` prints, and what it tells an administrator to do next. */

/* "signs", "next", "published", "retired"; a clock that is behind sees keys of the future as "not yet". */
static const char *
state_of(const RbKeysWork *work, const RbKeyEntry *entry)
{
    if (entry->published_until != 0 && entry->published_until <= work->now)
        return "retired";
    if (entry->created_at > work->now)
        return "not yet";
    if (entry == rb_key_entries_current(work->entries, entry->use, work->now))
        return "signs";
    return entry->signs_from > work->now ? "next" : "published";
}

static json_t *
entry_json(const RbKeysWork *work, const RbKeyEntry *entry)
{
    g_autofree char *created = rb_time_format(entry->created_at), *from = rb_time_format(entry->signs_from);
    g_autofree char *until = entry->published_until == 0 ? NULL : rb_time_format(entry->published_until);

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?}", "kid", entry->kid, "use",
                     rb_key_use_name(entry->use), "algorithm", entry->algorithm, "state",
                     state_of(work, entry), "key", entry->key, "created_at", created, "signs_from", from,
                     "published_until", until);
}

static void
print_json(const RbKeysConsole *console, json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2));

    fprintf(console->out, "%s\n", text);
    free(text);
    json_decref(json);
}

static const char *
colour_of(const RbKeysConsole *console, const char *state)
{
    if (!console->colour)
        return "";
    return g_str_equal(state, "signs")     ? "\033[32m"
           : g_str_equal(state, "next")    ? "\033[33m"
           : g_str_equal(state, "retired") ? "\033[2m"
                                           : "";
}

void
rb_keys_show_list(const RbKeysConsole *console, const RbKeysWork *work, const RbKeyUse *use, gboolean json)
{
    json_t *list = json_array();
    guint shown = 0;

    for (guint i = 0; i < work->entries->len; i++) {
        const RbKeyEntry *entry = work->entries->pdata[i];
        const char *state = state_of(work, entry), *colour = colour_of(console, state);
        g_autofree char *from = rb_time_format(entry->signs_from);
        g_autofree char *until =
            entry->published_until == 0 ? g_strdup("-") : rb_time_format(entry->published_until);
        if (use != NULL && entry->use != *use)
            continue;
        (void)json_array_append_new(list, entry_json(work, entry));
        if (!json && shown++ == 0)
            fprintf(console->out, "%-22s  %-9s  %-9s  %-9s  %-20s  %s\n", "KEY", "FOR", "ALGORITHM", "NOW",
                    "SIGNS FROM", "PUBLISHED UNTIL");
        if (!json)
            fprintf(console->out, "%-22s  %-9s  %-9s  %s%-9s%s  %-20s  %s\n", entry->kid,
                    rb_key_use_name(entry->use), entry->algorithm, colour, state,
                    *colour == '\0' ? "" : "\033[0m", from, until);
    }
    if (json)
        print_json(console, json_pack("{s:s, s:O}", "issuer", work->url, "keys", list));
    else if (shown == 0)
        fprintf(console->out, "No keys yet. Make one: rolebridgectl keys rotate --for token\n");
    json_decref(list);
}

/* ---- what comes next ---- */

static void
next_for_first(const RbKeysConsole *console, const RbKeysWork *work, const RbKeyEntry *made)
{
    if (made->use == RB_KEY_TOKEN)
        fprintf(console->out,
                "Next: in each account whose issue.method is web-identity, once:\n"
                "  aws iam create-open-id-connect-provider --url %s --client-id-list %s\n",
                work->url, work->audience);
    else
        fprintf(
            console->out,
            "Next: in each account whose issue.method is saml, once:\n"
            "  curl -o metadata.xml %s/saml/metadata\n"
            "  aws iam create-saml-provider --name rolebridge --saml-metadata-document file://metadata.xml\n",
            work->url);
    fprintf(console->out, "docs/issuer.md has the trust policies.\n");
}

static void
next_for_token(const RbKeysConsole *console, const RbKeyEntry *made, const RbKeyEntry *before)
{
    g_autofree char *after = rb_time_format(made->signs_from + RB_KEYS_MAX_AGE_S);

    if (made->signs_from - made->created_at < RB_KEYS_MAX_AGE_S)
        fprintf(console->out,
                "AWS keeps what it fetched for up to an hour: until then it may refuse what the new "
                "key signs.\n");
    fprintf(console->out,
            "Next: nothing in AWS, which fetches the new key by itself. After %s:\n"
            "  rolebridgectl keys retire %s\n",
            after, before->kid);
}

/* AWS fetches no SAML metadata: somebody uploads it, or everybody's sign-in stops when the key signs. */
static void
next_for_assertion(const RbKeysConsole *console, const RbKeysWork *work, const RbKeyEntry *made,
                   const RbKeyEntry *before)
{
    g_autofree char *from = rb_time_format(made->signs_from);

    fprintf(console->out,
            "Next, before %s, in each account whose issue.method is saml:\n"
            "  curl -o metadata.xml %s/saml/metadata\n"
            "  aws iam update-saml-provider --saml-metadata-document file://metadata.xml \\\n"
            "    --saml-provider-arn arn:aws:iam::ACCOUNT:saml-provider/NAME\n"
            "An account without it refuses every role from %s on. After that:\n"
            "  rolebridgectl keys retire %s\n"
            "and upload the metadata once more.\n",
            from, work->url, from, before->kid);
}

static char *
in_days(gint64 s)
{
    return s > 0 && s % (24 * 3600) == 0 ? g_strdup_printf("%" G_GINT64_FORMAT "d", s / (24 * 3600))
                                         : rb_duration_text(s);
}

void
rb_keys_show_made(const RbKeysConsole *console, const RbKeysWork *work, const RbKeyEntry *made,
                  const RbKeyEntry *before, gboolean json)
{
    g_autofree char *from = rb_time_format(made->signs_from);
    g_autofree char *wait = in_days(made->signs_from - made->created_at);

    if (json) {
        json_t *out = entry_json(work, made);
        (void)json_object_set_new(out, "replaces", before == NULL ? json_null() : json_string(before->kid));
        print_json(console, out);
        return;
    }
    fprintf(console->out, "Made the %s key %s (%s); it is published from now on.\n",
            rb_key_use_name(made->use), made->kid, made->algorithm);
    if (before == NULL)
        fprintf(console->out, "It signs at once.\n");
    else
        fprintf(console->out, "It signs from %s (in %s); until then %s does.\n", from, wait, before->kid);
    if (before == NULL)
        next_for_first(console, work, made);
    else if (made->use == RB_KEY_TOKEN)
        next_for_token(console, made, before);
    else
        next_for_assertion(console, work, made, before);
}

void
rb_keys_show_retired(const RbKeysConsole *console, const RbKeysWork *work, const RbKeyEntry *retired,
                     gboolean leaked, gboolean json)
{
    const RbKeyEntry *signs = rb_key_entries_current(work->entries, retired->use, work->now);

    if (json) {
        print_json(console, json_pack("{s:s, s:s?}", "retired", retired->kid, "signs",
                                      signs == NULL ? NULL : signs->kid));
        return;
    }
    fprintf(console->out, "Retired the %s key %s: it is published no more, and its private key is %s.\n",
            rb_key_use_name(retired->use), retired->kid,
            rb_key_entry_on_token(retired) ? "left on the token: delete it there" : "deleted");
    if (signs != NULL)
        fprintf(console->out, "%s signs%s.\n", signs->kid, leaked ? " from now on" : "");
    if (retired->use == RB_KEY_ASSERTION)
        fprintf(console->out,
                "Next, in each account whose issue.method is saml%s:\n"
                "  curl -o metadata.xml %s/saml/metadata\n"
                "  aws iam update-saml-provider --saml-metadata-document file://metadata.xml \\\n"
                "    --saml-provider-arn arn:aws:iam::ACCOUNT:saml-provider/NAME\n"
                "Until then the account accepts what the retired key signs.\n",
                leaked ? ", at once" : "", work->url);
    else if (leaked)
        fprintf(console->out,
                "AWS keeps the keys that it fetched for up to an hour: until then it accepts what "
                "the retired key signs.\ndocs/issuer.md says how to shut an account at once.\n");
}
