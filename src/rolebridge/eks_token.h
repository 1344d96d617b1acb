#ifndef RB_ROLEBRIDGE_EKS_TOKEN_H
#define RB_ROLEBRIDGE_EKS_TOKEN_H

#include "rolebridge/lease.h"

/** rb_eks_cluster_check: whether @name can be an EKS cluster's: 1 to 100 letters, digits, '-', '_'. */
gboolean rb_eks_cluster_check(const char *name);

/** rb_eks_sts_url: (transfer full): AWS_ENDPOINT_URL_STS, else the STS of @region. NULL: no such address. */
char *rb_eks_sts_url(const char *region, GError **error);

/**
 * rb_eks_token: what an EKS cluster takes for proof of who somebody is: a presigned GetCallerIdentity at
 * @sts_url, with the cluster's name among what is signed. Returns: (transfer full): "k8s-aws-v1.…", or NULL
 */
RbSecret *rb_eks_token(const RbLease *lease, const char *cluster, const char *region, const char *sts_url,
                       gint64 now, GError **error);

/** rb_eks_api_version: of the ExecCredential that a client wants, by its KUBERNETES_EXEC_INFO (may be NULL);
 * NULL when it wants one that is not known here. */
const char *rb_eks_api_version(const char *exec_info);

/** rb_eks_credential: (transfer full): the ExecCredential; a secret. */
json_t *rb_eks_credential(const RbSecret *token, const char *api_version, gint64 expires_at);

#endif
