#ifndef RB_SANDBOX_XML_SIGNATURE_H
#define RB_SANDBOX_XML_SIGNATURE_H

#include "sandbox/xml.h"

/* XML signatures as a relying party checks them: libxml2's canonicalization and OpenSSL, without xmlsec1. */

#define RB_BOX_DS "http://www.w3.org/2000/09/xmldsig#"

/**
 * rb_box_xml_signed_by: whether the Signature child of @node signs @node itself, whole, by one of @keys
 * (EVP_PKEY): exclusive canonicalization, SHA-256 or better. @why: (out): a static text when not
 */
gboolean rb_box_xml_signed_by(xmlNode *node, const GPtrArray *keys, const char **why);

#endif
