#include "prove/subject.h"

#include <string.h>

struct RbProofSubject {
    GPtrArray *policies; /* RbPolicy: identity */
    GPtrArray *unknown;  /* names, borrowed, and NULL */
    RbPolicy *session;
    const RbPolicy *session_at[1];
    char *session_arn;
    RbRequestContext *facts;
    RbProofRole role;
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
    subject->facts = rb_request_context_new();
    rb_request_context_add(subject->facts, "aws:PrincipalArn", role->arn);
    rb_request_context_add(subject->facts, "aws:PrincipalAccount", at->id);
    rb_request_context_add(subject->facts, "aws:PrincipalType", "AssumedRole");
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

    return strstr(lower, "aws:principala") != NULL || strstr(lower, "aws:principaltype") != NULL;
}
