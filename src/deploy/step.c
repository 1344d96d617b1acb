#include "deploy/priv.h"

#include "base/encoding.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *verb;
} kinds[] = {
    [RB_STEP_CREATE_PROVIDER] = { "create-provider", "create provider" },
    [RB_STEP_UPDATE_PROVIDER] = { "update-provider", "update provider" },
    [RB_STEP_CREATE_POLICY] = { "create-policy", "create policy" },
    [RB_STEP_UPDATE_POLICY] = { "update-policy", "update policy" },
    [RB_STEP_CREATE_ROLE] = { "create-role", "create role" },
    [RB_STEP_UPDATE_ROLE] = { "update-role", "update role" },
    [RB_STEP_ATTACH] = { "attach", "attach to role" },
    [RB_STEP_UPDATE_TRUST] = { "update-trust", "update trust of role" },
    [RB_STEP_TAG] = { "tag", "tag" },
    [RB_STEP_UNTAG] = { "untag", "untag" },
    [RB_STEP_DETACH] = { "detach", "detach from role" },
    [RB_STEP_DELETE_INLINE] = { "delete-inline", "delete inline policy of role" },
    [RB_STEP_DELETE_ROLE] = { "delete-role", "delete role" },
    [RB_STEP_DELETE_POLICY] = { "delete-policy", "delete policy" },
    [RB_STEP_DELETE_PROVIDER] = { "delete-provider", "delete provider" },
};
static const char *const things[] = { "provider", "policy", "role" };

void
rb_step_free(gpointer data)
{
    RbStep *step = data;

    g_free(step->name);
    g_free(step->arn);
    g_free(step->detail);
    g_free(step->before);
    g_free(step->after);
    g_free(step->owner);
    g_free(step->by);
    json_decref(step->wanted);
    g_free(step);
}

char *
rb_step_text(const RbStep *step)
{
    gboolean tags = step->kind == RB_STEP_TAG || step->kind == RB_STEP_UNTAG;
    g_autofree char *name = rb_text_printable(step->name, 300);
    g_autofree char *detail = step->detail == NULL ? NULL : rb_text_printable(step->detail, 300);

    return g_strdup_printf("%s%s%s %s%s%s", kinds[step->kind].verb, tags ? " " : "",
                           tags ? things[step->thing] : "", name, detail == NULL ? "" : ": ",
                           detail == NULL ? "" : detail);
}

json_t *
rb_step_to_json(const RbStep *step)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:O?}", "step",
                     kinds[step->kind].name, "thing", things[step->thing], "name", step->name, "arn",
                     step->arn, "detail", step->detail, "before", step->before, "after", step->after, "owner",
                     step->owner, "by", step->by, "wanted", step->wanted);
}

char *
rb_step_digest(const RbStep *step, const char *account)
{
    json_t *json = json_pack("[s, o]", account, rb_step_to_json(step));
    guint8 digest[32];
    char *text;

    if (step->kind >= RB_STEP_DETACH) /* a removal half done is still the same removal */
        (void)json_object_set_new(json_array_get(json, 1), "before", json_null());
    if (step->kind == RB_STEP_ATTACH) /* what makes room may be gone */
        (void)json_object_set_new(json_array_get(json, 1), "wanted", json_null());
    (void)json_object_del(json_array_get(json, 1), "by"); /* who it was is not what is done */
    text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
    rb_sha256(text, strlen(text), digest);
    free(text);
    return rb_hex_encode(digest, sizeof digest);
}
