#include "prove/subject.h"

#include "prove/question.h"

#include <string.h>

struct RbProofSubject {
    GPtrArray *policies; /* RbPolicy: identity */
    GPtrArray *unknown;  /* names, borrowed, and NULL */
    RbPolicy *session;
    const RbPolicy *session_at[1];
    char *session_arn;
    RbRequestContext *facts;
    RbProofRole role;
    GString *facts_text;
    char *text;
};

static gpointer
keep(const RbPolicy *policy)
{
    return rb_policy_ref((RbPolicy *)(gpointer)policy);
}

static void
add_policies(RbProofSubject *subject, const RbSnapshot *snapshot, const RbCompiledRole *role)
{
    for (guint i = 0; role->policies[i] != NULL; i++)
        g_ptr_array_add(subject->policies, keep(role->policies[i]->document));
    for (guint i = 0; role->role->managed[i] != NULL; i++) {
        const RbPolicy *document = rb_snapshot_managed(snapshot, role->role->managed[i]);
        if (document != NULL)
            g_ptr_array_add(subject->policies, keep(document));
        else
            g_ptr_array_add(subject->unknown, (gpointer)role->role->managed[i]);
    }
    g_ptr_array_add(subject->unknown, NULL);
}

static int
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Equal texts are equal questions: the documents without regard to their order, the session policy, and what
 * is not known. */
static char *
make_text(const RbProofSubject *subject)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < subject->policies->len; i++) {
        g_autoptr(RbPolicy) normal = rb_policy_normalise(subject->policies->pdata[i]);
        g_ptr_array_add(texts, rb_policy_print(normal));
    }
    for (guint i = 0; subject->unknown->pdata[i] != NULL; i++)
        g_ptr_array_add(texts, g_strconcat("?", subject->unknown->pdata[i], NULL));
    if (subject->session != NULL) {
        g_autofree char *text = rb_policy_print(subject->session);
        g_ptr_array_add(texts, g_strconcat("session ", text, NULL));
    }
    g_ptr_array_sort(texts, by_text);
    g_ptr_array_add(texts, NULL);
    return g_strjoinv("\n", (GStrv)(gpointer)texts->pdata);
}

static void
add_fact(RbProofSubject *subject, const char *key, const char *value)
{
    rb_request_context_add(subject->facts, key, value);
    g_string_append_printf(subject->facts_text, "%s=%s\n", key, value);
}

static gboolean
sets_tag(const RbRole *role, const char *key)
{
    for (guint i = 0; i < role->n_tags; i++)
        if (g_ascii_strcasecmp(role->tags[i].key, key) == 0)
            return TRUE;
    return FALSE;
}

static void
add_tag(RbProofSubject *subject, const char *key, const char *value)
{
    g_autofree char *full = g_strconcat("aws:PrincipalTag/", key, NULL);

    if (value[0] != '\0' && rb_request_context_get(subject->facts, full) == NULL)
        add_fact(subject, full, value);
}

/* What the mapping alone decides; tags of the session come before those of the role. */
static void
add_facts(RbProofSubject *subject, const RbAccount *account, const RbCompiledRole *role)
{
    subject->facts = rb_request_context_new();
    subject->facts_text = g_string_new(NULL);
    add_fact(subject, "aws:PrincipalArn", role->arn);
    add_fact(subject, "aws:PrincipalAccount", account->id);
    add_fact(subject, "aws:PrincipalType", "AssumedRole");
    if (account->method != RB_ISSUE_ASSUME_ROLE && account->provider_arn != NULL)
        add_fact(subject, "aws:FederatedProvider", account->provider_arn);
    for (guint i = 0; i < role->role->n_tags; i++) {
        const RbTagTemplate *tag = &role->role->tags[i];
        if (tag->parts[0] != NULL && tag->parts[1] == NULL)
            add_tag(subject, tag->key, tag->parts[0]);
    }
    for (guint i = 0; i < role->n_tags; i++)
        if (!sets_tag(role->role, role->tags[i].key))
            add_tag(subject, role->tags[i].key, role->tags[i].value);
}

RbProofSubject *
rb_proof_subject_new(const RbSnapshot *snapshot, const RbCompiledAccount *account, const RbCompiledRole *role)
{
    RbProofSubject *subject = g_new0(RbProofSubject, 1);
    const RbAccount *at = account->account;

    subject->policies = g_ptr_array_new_with_free_func((GDestroyNotify)rb_policy_unref);
    subject->unknown = g_ptr_array_new();
    add_policies(subject, snapshot, role);
    if (role->role->session_policy != NULL)
        subject->session = rb_library_policy(role->role, at, role->role->session_policy);
    subject->session_at[0] = subject->session;
    subject->session_arn =
        g_strdup_printf("arn:%s:sts::%s:assumed-role/%s/somebody", at->partition, at->id, role->name);
    add_facts(subject, at, role);
    subject->role = (RbProofRole){
        .sets = { .identity = { (const RbPolicy *const *)(gpointer)subject->policies->pdata,
                                subject->policies->len },
                  .session = { subject->session_at, subject->session != NULL ? 1 : 0 } },
        .unknown = (const char *const *)(gpointer)subject->unknown->pdata,
        .principal = role->arn,
        .session = subject->session_arn,
        .account = at->id,
    };
    return subject;
}

void
rb_proof_subject_free(RbProofSubject *subject)
{
    if (subject == NULL)
        return;
    g_ptr_array_unref(subject->policies);
    g_ptr_array_unref(subject->unknown);
    rb_policy_unref(subject->session);
    g_free(subject->session_arn);
    rb_request_context_free(subject->facts);
    (void)g_string_free(subject->facts_text, TRUE);
    g_free(subject->text);
    g_free(subject);
}

const RbProofRole *
rb_proof_subject_role(const RbProofSubject *subject)
{
    return &subject->role;
}

const RbRequestContext *
rb_proof_subject_facts(const RbProofSubject *subject)
{
    return subject->facts;
}

const char *
rb_proof_subject_text(RbProofSubject *subject)
{
    if (subject->text == NULL)
        subject->text = make_text(subject);
    return subject->text;
}

gboolean
rb_proof_subject_is_local(RbProofSubject *subject)
{
    g_autofree char *lower = g_ascii_strdown(rb_proof_subject_text(subject), -1);

    return strstr(lower, "aws:principal") != NULL || strstr(lower, "aws:federatedprovider") != NULL;
}

RbProof *
rb_proof_subject_no_new_access(RbProofSubject *before, RbProofSubject *after, guint timeout_ms,
                               GError **error)
{
    const RbProofRole nobody = { 0 };
    const RbProofLimits limits = { .timeout_ms = timeout_ms, .facts = after->facts };
    RbProof *proof;

    if (before != NULL && !g_string_equal(before->facts_text, after->facts_text) &&
        (rb_proof_subject_is_local(before) || rb_proof_subject_is_local(after))) {
        proof = rb_proof_new(RB_NOT_KNOWN); /* one request would have two values of a key */
        rb_proof_add_reason(
            proof, g_strdup("the role's tags, ARN or provider changed, and its policies ask for them"));
        return proof;
    }
    return rb_prove_no_new_access(before != NULL ? &before->role : &nobody, &after->role, &limits, error);
}
