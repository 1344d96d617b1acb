#include "iam/match.h"

#include "iam/match_priv.h"

#include <string.h>

enum { ARN_FIELDS = 6 };

const RbWild rb_wild_written = { '*', '?' };
const RbWild rb_wild_expanded = { RB_WILD_MANY, RB_WILD_ONE };

typedef struct {
    const char *at, *end;
} Span;

static Span
whole(const char *text)
{
    return (Span){ text, text + strlen(text) };
}

/* One character of UTF-8 further; a byte that begins none counts as one. */
static const char *
next(const char *at, const char *end)
{
    at++;
    while (at < end && ((guchar)*at & 0xc0) == 0x80)
        at++;
    return at;
}

/* Only the last star can ever need to take more: what stood before it has matched as early as it could, and
 * that is never worse than later. So there is one place to come back to, and no recursion. */
static gboolean
match_span(Span pattern, Span text, RbWild wild)
{
    const char *star = NULL, *retry = NULL;

    while (text.at < text.end) {
        if (pattern.at < pattern.end && *pattern.at == wild.many) {
            star = ++pattern.at;
            retry = text.at;
        } else if (pattern.at < pattern.end && *pattern.at == wild.one) {
            pattern.at++;
            text.at = next(text.at, text.end);
        } else if (pattern.at < pattern.end && *pattern.at == *text.at) {
            pattern.at++;
            text.at++;
        } else if (star) {
            text.at = ++retry;
            pattern.at = star;
        } else {
            return FALSE;
        }
    }
    while (pattern.at < pattern.end && *pattern.at == wild.many)
        pattern.at++;
    return pattern.at == pattern.end;
}

gboolean
rb_match_wild(const char *pattern, const char *text, RbWild wild)
{
    return match_span(whole(pattern), whole(text), wild);
}

gboolean
rb_match_text(const char *pattern, const char *text)
{
    return rb_match_wild(pattern, text, rb_wild_written);
}

static gboolean
only_stars(const char *pattern, RbWild wild)
{
    const char *at = pattern;

    while (*at == wild.many)
        at++;
    return at > pattern && *at == '\0';
}

gboolean
rb_match_action(const char *pattern, const char *action)
{
    const char *colon = strchr(pattern, ':'), *other = strchr(action, ':');
    g_autofree char *name = NULL, *wanted = NULL;

    if (!colon)
        return only_stars(pattern, rb_wild_written);
    if (!other || colon - pattern != other - action ||
        g_ascii_strncasecmp(pattern, action, (gsize)(colon - pattern)) != 0)
        return FALSE;
    if (strcmp(colon, ":*") == 0)
        return TRUE;
    wanted = g_ascii_strdown(colon + 1, -1);
    name = g_ascii_strdown(other + 1, -1);
    return rb_match_text(wanted, name);
}

gboolean
rb_match_action_wide(const char *pattern, const char *action)
{
    const char *colon = strchr(pattern, ':');
    g_autofree char *wanted = NULL, *name = NULL;

    if (!colon || strcspn(pattern, "*?") > (gsize)(colon - pattern))
        return rb_match_action(pattern, action);
    wanted = g_ascii_strdown(pattern, -1);
    name = g_ascii_strdown(action, -1);
    return rb_match_text(wanted, name);
}

const char *
rb_arn_field_end(const char *field, guint i)
{
    return i + 1 < ARN_FIELDS ? strchrnul(field, ':') : field + strlen(field);
}

/* By fields, so that "arn:aws:s3:::a*" never matches into an account field that somebody else writes. */
gboolean
rb_match_fields(const char *pattern, const char *arn, RbWild wild, gboolean wide)
{
    if (only_stars(pattern, wild))
        return TRUE;
    for (guint i = 0; i < ARN_FIELDS; i++) {
        Span want = { pattern, rb_arn_field_end(pattern, i) }, have = { arn, rb_arn_field_end(arn, i) };
        gboolean pattern_ends = *want.end == '\0', arn_ends = *have.end == '\0';

        if (pattern_ends && !arn_ends) { /* fewer fields than the ARN */
            have.end = arn + strlen(arn);
            return wide && want.end > want.at && want.end[-1] == wild.many && match_span(want, have, wild);
        }
        if (!match_span(want, have, wild))
            return FALSE;
        if (arn_ends)
            return pattern_ends && i + 1 == ARN_FIELDS;
        pattern = want.end + 1;
        arn = have.end + 1;
    }
    return FALSE;
}

gboolean
rb_match_arn(const char *pattern, const char *arn)
{
    return rb_match_fields(pattern, arn, rb_wild_written, FALSE);
}

gboolean
rb_match_resource(const char *pattern, const char *resource)
{
    return rb_match_fields(pattern, resource, rb_wild_written, TRUE);
}

gboolean
rb_match_resource_narrow(const char *pattern, const char *resource)
{
    return rb_match_fields(pattern, resource, rb_wild_written, FALSE);
}
