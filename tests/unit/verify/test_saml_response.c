/* Responses as they come and as attackers send them: a row changes the template before it is signed, or what
 * was signed after; each has the exact code that refuses it. */
#include "attacks.h"
#include "world.h"

#include "base/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define XENC "http://www.w3.org/2001/04/xmlenc#"
#define XENC11 "http://www.w3.org/2009/xmlenc11#"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define EXC "http://www.w3.org/2001/10/xml-exc-c14n#"
#define OAEP XENC "rsa-oaep-mgf1p"
#define GCM XENC11 "aes128-gcm"
#define TRANSFORMS                                                                                           \
    "<ds:Transform Algorithm=\"" DSIG "enveloped-signature\"/><ds:Transform Algorithm=\"" EXC "\"/>"
#define EXC_TRANSFORM "<ds:Transform Algorithm=\"" EXC "\"/>"
#define NAME_ID "alice@acme.example</saml:NameID>"
#define STATUS "urn:oasis:names:tc:SAML:2.0:status:"
#define CLASSES "urn:oasis:names:tc:SAML:2.0:ac:classes:"

enum { ANSWERED = 0, FORCED = 1, MFA = 2, UNSOLICITED = 4 };

typedef struct {
    const char *name;
    const char *sign;      /* "a" assertion, "r" Response, "ar" both, "" neither; NULL: "a" */
    const char *before[8]; /* from, to, from, to … before signing */
    const char *after[8];  /* after it */
    char *(*twist)(const char *signed_xml);
    const char *transport, *algorithm; /* encrypts the assertion, before the Response is signed */
    int key;                           /* signs; IDP_RSA is 0; -1: HMAC */
    int wrap_key;                      /* encrypts for; 0: our decryption key */
    int flags;
    gint64 later_s;
    const char *provider; /* NULL: corp */
    const char *method;   /* NULL: rsa-sha256 */
    RbRefusalCode want;
} Row;

static World *world;

static char *
two_keys_in_keyinfo(const char *xml)
{
    g_autofree char *certificate = idp_certificate(world->idp, IDP_OTHER);
    g_autofree char *info =
        g_strdup_printf("</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s"
                        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
                        certificate);

    return idp_replace(xml, "</ds:SignatureValue>", info);
}

/* clang-format off */
static const Row rows[] = {
    /* what is accepted */
    { "signed assertion" },
    { "signed Response", .sign = "r" },
    { "both signed", .sign = "ar" },
    { "the next key of a rollover", .key = IDP_RSA_NEXT },
    { "ECDSA on P-256", .key = IDP_EC, .method = "ecdsa-sha256" },
    { "RSA with SHA-512", .method = "rsa-sha512" },
    { "KeyInfo with another certificate is not read", .twist = two_keys_in_keyinfo },
    { "InclusiveNamespaces", .before = { EXC_TRANSFORM, "<ds:Transform Algorithm=\"" EXC "\"><ec:InclusiveNamespaces xmlns:ec=\"" EXC "\" PrefixList=\"xs xsi\"/></ds:Transform>" } },
    { "a comment and CDATA in a value", .before = { "alice@acme.example", "alice<!-- x -->@acme<![CDATA[.example]]>" } },
    { "no Destination when only the assertion is signed", .before = { " Destination=\"" IDP_PUBLIC "/saml/corp/acs\"", "" } },
    { "no Issuer on the Response", .before = { "<saml:Issuer>" IDP_ENTITY "</saml:Issuer>@RSIG@", "@RSIG@" } },
    { "second audience of ours", .before = { "<saml:Audience>", "<saml:Audience>https://other.example</saml:Audience><saml:Audience>" } },
    { "OneTimeUse and ProxyRestriction", .before = { "</saml:Conditions>", "<saml:OneTimeUse/><saml:ProxyRestriction Count=\"0\"/></saml:Conditions>" } },
    { "holder-of-key beside a bearer confirmation", .before = { "<saml:SubjectConfirmation ", "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:holder-of-key\"/><saml:SubjectConfirmation " } },
    { "two bearer confirmations, one for us", .before = { "<saml:SubjectConfirmation ", "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData Recipient=\"https://other.example\" InResponseTo=\"_req1\" NotOnOrAfter=\"2027-01-15T08:05:00Z\"/></saml:SubjectConfirmation><saml:SubjectConfirmation " } },
    { "fractions of a second", .before = { "2027-01-15T08:05:00Z", "2027-01-15T08:05:00.123456Z" } },
    { "encrypted, AES-128-GCM", .transport = OAEP, .algorithm = GCM },
    { "encrypted, AES-256-GCM", .transport = OAEP, .algorithm = XENC11 "aes256-gcm" },
    { "encrypted inside a signed Response", .sign = "r", .transport = OAEP, .algorithm = GCM },
    { "encrypted, both signed", .sign = "ar", .transport = OAEP, .algorithm = GCM },
    { "CBC where it is allowed, in a signed Response", .provider = "cbc", .sign = "ar", .transport = OAEP, .algorithm = XENC "aes128-cbc" },
    { "unsolicited where it is allowed", .provider = "open", .flags = UNSOLICITED, .before = { " InResponseTo=\"_req1\"", "" } },
    { "both wanted, both there", .provider = "both", .sign = "ar" },
    { "the context asked for", .provider = "context", .before = { CLASSES "PasswordProtectedTransport", CLASSES "Kerberos" } },
    { "a stronger context than asked for", .provider = "context", .before = { CLASSES "PasswordProtectedTransport", "https://refeds.org/profile/mfa" } },
    { "second factor by context", .flags = MFA, .before = { CLASSES "PasswordProtectedTransport", "https://refeds.org/profile/mfa" } },
    { "second factor by attribute", .flags = MFA, .before = { "Name=\"uid\"><saml:AttributeValue xsi:type=\"xs:string\">alice<", "Name=\"http://schemas.microsoft.com/claims/authnmethodsreferences\"><saml:AttributeValue>http://schemas.microsoft.com/claims/multipleauthn<" } },
    { "forced, signed in anew", .flags = FORCED, .before = { "2027-01-15T07:50:00Z", "2027-01-15T07:59:30Z" } },
    { "last accepted second of NotOnOrAfter", .later_s = 300 + 59 },
    { "last accepted second of NotBefore", .later_s = -60 - 60, .before = { "IssueInstant=\"2027-01-15T08:00:00Z\"", "IssueInstant=\"2027-01-15T07:50:00Z\"" } },
    { "last accepted second of IssueInstant", .later_s = -60 },
    { "last accepted second of SessionNotOnOrAfter", .later_s = 59, .before = { "2027-01-15T16:00:00Z", "2027-01-15T08:00:00Z" } },
    { "last accepted second of ForceAuthn", .flags = FORCED, .before = { "2027-01-15T07:50:00Z", "2027-01-15T07:58:00Z" } },

    /* limits and structure */
    { "not base64's XML", .twist = attack_utf_16, .want = RB_SAML_FORBIDDEN_XML },
    { "cut off", .after = { "</samlp:Response>", "" }, .want = RB_SAML_MALFORMED },
    { "unbound prefix", .after = { "<samlp:Status>", "<evil:x/><samlp:Status>" }, .want = RB_SAML_MALFORMED },
    { "undeclared entity", .after = { "alice@", "&alice;@" }, .want = RB_SAML_MALFORMED },
    { "another document", .before = { "samlp:Response", "samlp:ArtifactResponse" }, .want = RB_SAML_MALFORMED },
    { "Response of another namespace", .before = { "SAML:2.0:protocol", "SAML:1.0:protocol" }, .want = RB_SAML_MALFORMED },
    { "external entity", .twist = attack_doctype, .want = RB_SAML_FORBIDDEN_XML },
    { "billion laughs", .twist = attack_billion_laughs, .want = RB_SAML_FORBIDDEN_XML },
    { "another encoding declared", .twist = attack_latin_1, .want = RB_SAML_FORBIDDEN_XML },
    { "processing instruction", .twist = attack_processing_instruction, .want = RB_SAML_FORBIDDEN_XML },
    { "forty elements deep", .twist = attack_deep, .want = RB_SAML_TOO_LARGE },
    { "too many elements", .twist = attack_many_elements, .want = RB_SAML_TOO_LARGE },
    { "too many attributes", .twist = attack_many_attributes, .want = RB_SAML_TOO_LARGE },
    { "namespaces in depth", .twist = attack_namespaces_in_depth, .want = RB_SAML_TOO_LARGE },
    { "too many namespace declarations", .twist = attack_many_namespaces, .want = RB_SAML_TOO_LARGE },
    { "too many IDs", .twist = attack_many_ids, .want = RB_SAML_TOO_LARGE },
    { "many attributes in a comment and in CDATA", .before = { "alice@acme.example<", "alice@acme.example<!-- ====================================================================== --><![CDATA[]]><" } },
    { "too many bytes", .twist = attack_oversize, .want = RB_SAML_TOO_LARGE },
    { "one ID twice", .twist = attack_same_id_twice, .want = RB_SAML_DUPLICATE_ID },
    { "one ID twice, by xml:id", .after = { "<samlp:Status>", "<samlp:Status xml:id=\"_a1\">" }, .want = RB_SAML_DUPLICATE_ID },
    { "one ID twice, by Id", .after = { "<samlp:Status>", "<samlp:Status Id=\"_a1\">" }, .want = RB_SAML_DUPLICATE_ID },

    /* the Response */
    { "version 1.1", .after = { "ID=\"_r1\" Version=\"2.0\"", "ID=\"_r1\" Version=\"1.1\"" }, .want = RB_SAML_VERSION },
    { "assertion of version 1.1", .before = { "ID=\"_a1\" Version=\"2.0\"", "ID=\"_a1\" Version=\"1.1\"" }, .want = RB_SAML_VERSION },
    { "no version", .after = { "ID=\"_r1\" Version=\"2.0\"", "ID=\"_r1\"" }, .want = RB_SAML_VERSION },
    { "for another address", .after = { "Destination=\"" IDP_PUBLIC "/saml/corp/acs\"", "Destination=\"https://other.example/acs\"" }, .want = RB_SAML_DESTINATION },
    { "signed Response without Destination", .sign = "r", .before = { " Destination=\"" IDP_PUBLIC "/saml/corp/acs\"", "" }, .want = RB_SAML_DESTINATION },
    { "Response of another issuer", .after = { "_req1\"><saml:Issuer>https://idp.acme", "_req1\"><saml:Issuer>https://evil" }, .want = RB_SAML_ISSUER },
    { "assertion of another issuer", .before = { "</saml:Issuer>@ASIG@", "x</saml:Issuer>@ASIG@" }, .want = RB_SAML_ISSUER },
    { "issuer of another format", .before = { "00Z\"><saml:Issuer>", "00Z\"><saml:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">" }, .want = RB_SAML_ISSUER },
    { "issuer truncated by a comment", .before = { "metadata</saml:Issuer>@ASIG@", "metadata<!-- -->.evil.example</saml:Issuer>@ASIG@" }, .want = RB_SAML_ISSUER },
    { "two issuers", .before = { "<saml:Issuer>" IDP_ENTITY "</saml:Issuer>@ASIG@", "<saml:Issuer>" IDP_ENTITY "</saml:Issuer><saml:Issuer>x</saml:Issuer>@ASIG@" }, .want = RB_SAML_MALFORMED },
    { "sign-in failed", .after = { STATUS "Success\"/>", STATUS "Responder\"><samlp:StatusCode Value=\"" STATUS "AuthnFailed\"/></samlp:StatusCode>" }, .want = RB_SAML_STATUS },
    { "no such context", .after = { STATUS "Success\"/>", STATUS "Responder\"><samlp:StatusCode Value=\"" STATUS "NoAuthnContext\"/></samlp:StatusCode>" }, .want = RB_SAML_NO_AUTHN_CONTEXT },
    { "success only below a failure", .after = { STATUS "Success\"/>", STATUS "Requester\"><samlp:StatusCode Value=\"" STATUS "Success\"/></samlp:StatusCode>" }, .want = RB_SAML_STATUS },
    { "no status", .after = { "<samlp:Status><samlp:StatusCode Value=\"" STATUS "Success\"/></samlp:Status>", "" }, .want = RB_SAML_MALFORMED },
    { "answer to another request", .after = { "InResponseTo=\"_req1\"><saml:Issuer>", "InResponseTo=\"_req2\"><saml:Issuer>" }, .want = RB_SAML_IN_RESPONSE_TO },
    { "Response to nothing", .after = { " InResponseTo=\"_req1\"><saml:Issuer>", "><saml:Issuer>" }, .want = RB_SAML_IN_RESPONSE_TO },
    { "confirmation for another request", .before = { "InResponseTo=\"_req1\" Recipient", "InResponseTo=\"_req2\" Recipient" }, .want = RB_SAML_IN_RESPONSE_TO },
    { "confirmation for no request", .before = { "InResponseTo=\"_req1\" Recipient", "Recipient" }, .want = RB_SAML_IN_RESPONSE_TO },
    { "unsolicited", .flags = UNSOLICITED, .before = { " InResponseTo=\"_req1\"", "" }, .want = RB_SAML_UNSOLICITED },
    { "another browser's answer", .flags = UNSOLICITED, .want = RB_SAML_UNSOLICITED },
    { "unsolicited, yet an answer", .provider = "open", .flags = UNSOLICITED, .want = RB_SAML_IN_RESPONSE_TO },
    { "unsolicited, confirmation of an answer", .provider = "open", .flags = UNSOLICITED, .before = { " InResponseTo=\"_req1\"><saml:Issuer>", "><saml:Issuer>" }, .want = RB_SAML_IN_RESPONSE_TO },
    { "Response issued in the future", .later_s = -61, .want = RB_SAML_NOT_YET_VALID },

    /* signatures */
    { "not signed", .sign = "", .want = RB_SAML_UNSIGNED },
    { "assertion not signed where both are wanted", .provider = "both", .sign = "r", .want = RB_SAML_UNSIGNED },
    { "Response not signed where both are wanted", .provider = "both", .sign = "a", .want = RB_SAML_UNSIGNED },
    { "signed by somebody else", .key = IDP_OTHER, .want = RB_SAML_SIGNATURE_INVALID },
    { "signed by somebody else, whose key comes along", .key = IDP_OTHER, .twist = two_keys_in_keyinfo, .want = RB_SAML_SIGNATURE_INVALID },
    { "signed by a listed key of 1024 bits", .key = IDP_WEAK, .want = RB_SAML_SIGNATURE_INVALID },
    { "HMAC keyed with the certificate", .key = -1, .method = "hmac-sha256", .want = RB_SAML_ALGORITHM },
    { "HMAC named after signing", .after = { MORE "rsa-sha256", MORE "hmac-sha256" }, .want = RB_SAML_ALGORITHM },
    { "RSA-SHA1", .before = { MORE "rsa-sha256", DSIG "rsa-sha1" }, .want = RB_SAML_ALGORITHM },
    { "SHA-1 digest", .before = { XENC "sha256", DSIG "sha1" }, .want = RB_SAML_ALGORITHM },
    { "no algorithm", .after = { "Algorithm=\"" MORE "rsa-sha256\"", "" }, .want = RB_SAML_ALGORITHM },
    { "RSA algorithm named EC", .after = { MORE "rsa-sha256", MORE "ecdsa-sha256" }, .want = RB_SAML_SIGNATURE_INVALID },
    { "name changed after signing", .after = { "alice@acme", "alive@acme" }, .want = RB_SAML_SIGNATURE_INVALID },
    { "comment hides the end of the name", .after = { NAME_ID, "alice@acme.example<!-- -->.evil.example</saml:NameID>" }, .want = RB_SAML_SIGNATURE_INVALID },
    { "group added after signing", .after = { "acme-data-science</saml:AttributeValue>", "acme-data-science</saml:AttributeValue><saml:AttributeValue xsi:type=\"xs:string\">root</saml:AttributeValue>" }, .want = RB_SAML_SIGNATURE_INVALID },
    { "signed Response, assertion changed", .sign = "r", .after = { "alice@acme", "alive@acme" }, .want = RB_SAML_SIGNATURE_INVALID },
    { "one signature good, one broken", .sign = "ar", .after = { "ID=\"_r1\" Version=\"2.0\"", "ID=\"_r1\" Consent=\"x\" Version=\"2.0\"" }, .want = RB_SAML_SIGNATURE_INVALID },
    { "empty signature value", .sign = "a", .after = { "<ds:SignatureValue>", "<ds:SignatureValue></ds:SignatureValue><ds:KeyInfo/><ds:SignatureValue>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "c14n with comments", .before = { EXC_TRANSFORM, "<ds:Transform Algorithm=\"" EXC "WithComments\"/>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "inclusive c14n", .before = { EXC_TRANSFORM, "<ds:Transform Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "SignedInfo by inclusive c14n", .before = { "Method Algorithm=\"" EXC, "Method Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "endless list of prefixes", .twist = attack_endless_prefixes, .want = RB_SAML_SIGNATURE_PROFILE },
    { "XPath transform", .before = { TRANSFORMS, "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>" EXC_TRANSFORM }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "XPath filter as third", .before = { TRANSFORMS, TRANSFORMS "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>true()</ds:XPath></ds:Transform>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "XSLT transform", .after = { TRANSFORMS, TRANSFORMS "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "base64 transform", .after = { EXC_TRANSFORM, "<ds:Transform Algorithm=\"" DSIG "base64\"/>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "no transforms", .after = { "<ds:Transforms>" TRANSFORMS "</ds:Transforms>", "" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "reference to the whole document", .before = { "URI=\"#_a1\"", "URI=\"\"" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "reference without URI", .after = { " URI=\"#_a1\"", "" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "reference to a file", .after = { "URI=\"#_a1\"", "URI=\"file:///etc/passwd\"" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "reference by XPointer", .before = { "URI=\"#_a1\"", "URI=\"#xpointer(id('_a1'))\"" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "reference to another element", .before = { "URI=\"#_a1\"", "URI=\"#_r1\"" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "two references", .before = { "</ds:Reference>", "</ds:Reference><ds:Reference URI=\"#_r1\"><ds:Transforms>" TRANSFORMS "</ds:Transforms><ds:DigestMethod Algorithm=\"" XENC "sha256\"/><ds:DigestValue></ds:DigestValue></ds:Reference>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "Object in the signature", .after = { "</ds:Signature>", "<ds:Object/></ds:Signature>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "HMAC truncated to nothing", .after = { "rsa-sha256\"/>", "rsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "two signatures", .twist = attack_second_signature, .want = RB_SAML_SIGNATURE_PROFILE },
    { "signature further down", .twist = attack_signature_moved_down, .want = RB_SAML_SIGNATURE_PROFILE },
    { "the assertion's signature on the Response", .twist = attack_signature_on_response, .want = RB_SAML_SIGNATURE_PROFILE },
    { "signature of an assertion that is gone", .twist = attack_forged_alone, .want = RB_SAML_SIGNATURE_PROFILE },
    { "signed ID renamed", .after = { "ID=\"_a1\"", "ID=\"_a2\"" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "ID that is no name", .after = { "ID=\"_a1\"", "ID=\"a b\"" }, .want = RB_SAML_SIGNATURE_PROFILE },

    /* signature wrapping */
    { "wrapping 1", .sign = "r", .twist = attack_xsw1, .want = RB_SAML_ASSERTION_COUNT },
    { "wrapping 2", .sign = "r", .twist = attack_xsw2, .want = RB_SAML_ASSERTION_COUNT },
    { "wrapping 3", .twist = attack_xsw3, .want = RB_SAML_ASSERTION_COUNT },
    { "wrapping 4", .twist = attack_xsw4, .want = RB_SAML_ASSERTION_COUNT },
    { "wrapping 5", .twist = attack_xsw5, .want = RB_SAML_ASSERTION_COUNT },
    { "wrapping 6", .twist = attack_xsw6, .want = RB_SAML_ASSERTION_COUNT },
    { "wrapping 7", .twist = attack_xsw7, .want = RB_SAML_ASSERTION_COUNT },
    { "wrapping 8", .twist = attack_xsw8, .want = RB_SAML_ASSERTION_COUNT },
    { "no assertion", .after = { "saml:Assertion", "saml:Affirmation" }, .want = RB_SAML_ASSERTION_COUNT },
    { "assertion not a child of the Response", .after = { "<saml:Assertion ", "<samlp:Extensions><saml:Assertion ", "</saml:Assertion>", "</saml:Assertion></samlp:Extensions>" }, .want = RB_SAML_ASSERTION_COUNT },
    { "encrypted one beside a plain one", .after = { "</samlp:Response>", "<saml:EncryptedAssertion/></samlp:Response>" }, .want = RB_SAML_ASSERTION_COUNT },

    /* encryption */
    { "encrypted for another key", .transport = OAEP, .algorithm = GCM, .wrap_key = IDP_OTHER, .want = RB_SAML_DECRYPTION_FAILED },
    { "encrypted where we have no key", .provider = "uid", .transport = OAEP, .algorithm = GCM, .want = RB_SAML_DECRYPTION_FAILED },
    { "AES-CBC", .transport = OAEP, .algorithm = XENC "aes128-cbc", .want = RB_SAML_ENCRYPTION_ALGORITHM },
    { "CBC allowed, Response not signed", .provider = "cbc", .transport = OAEP, .algorithm = XENC "aes128-cbc", .want = RB_SAML_ENCRYPTION_ALGORITHM },
    { "RSA PKCS #1 v1.5", .transport = XENC "rsa-1_5", .algorithm = GCM, .want = RB_SAML_ENCRYPTION_ALGORITHM },
    { "Triple DES named", .transport = OAEP, .algorithm = GCM, .after = { GCM, XENC "tripledes-cbc" }, .want = RB_SAML_ENCRYPTION_ALGORITHM },
    { "encrypted, ciphertext changed", .transport = OAEP, .algorithm = GCM, .twist = attack_ciphertext_changed, .want = RB_SAML_DECRYPTION_FAILED },
    { "encrypted, not signed", .sign = "", .transport = OAEP, .algorithm = GCM, .want = RB_SAML_UNSIGNED },
    { "encrypted, signed by somebody else", .key = IDP_OTHER, .transport = OAEP, .algorithm = GCM, .want = RB_SAML_SIGNATURE_INVALID },
    { "encrypted assertion inside an assertion", .before = { "<saml:Subject>", "<saml:Advice><saml:Assertion/></saml:Advice><saml:Subject>" }, .transport = OAEP, .algorithm = GCM, .want = RB_SAML_ASSERTION_COUNT },
    { "the ID of the Response again, inside", .before = { "ID=\"_a1\"", "ID=\"_r1\"" }, .sign = "", .transport = OAEP, .algorithm = GCM, .want = RB_SAML_DUPLICATE_ID },

    /* the assertion */
    { "no NameID", .before = { "<saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">" NAME_ID, "" }, .want = RB_SAML_SUBJECT },
    { "empty NameID", .before = { ">" NAME_ID, "></saml:NameID>" }, .want = RB_SAML_SUBJECT },
    { "elements in the NameID", .before = { ">" NAME_ID, "><b>alice</b></saml:NameID>" }, .want = RB_SAML_SUBJECT },
    { "encrypted NameID", .before = { "saml:NameID", "saml:EncryptedID" }, .want = RB_SAML_SUBJECT },
    { "two NameIDs", .before = { NAME_ID, NAME_ID "<saml:NameID>root</saml:NameID>" }, .want = RB_SAML_MALFORMED },
    { "no confirmation", .before = { "cm:bearer", "cm:sender-vouches" }, .want = RB_SAML_CONFIRMATION },
    { "NotBefore on a bearer confirmation", .before = { "Data InResponseTo", "Data NotBefore=\"2027-01-15T07:00:00Z\" InResponseTo" }, .want = RB_SAML_CONFIRMATION },
    { "bearer confirmation without an end", .before = { " NotOnOrAfter=\"2027-01-15T08:05:00Z\"/>", "/>" }, .want = RB_SAML_CONFIRMATION },
    { "bearer confirmation without data", .before = { "saml:SubjectConfirmationData", "saml:Nothing" }, .want = RB_SAML_CONFIRMATION },
    { "for another recipient", .before = { "Recipient=\"" IDP_PUBLIC, "Recipient=\"https://other.example" }, .want = RB_SAML_RECIPIENT },
    { "no recipient", .before = { " Recipient=\"" IDP_PUBLIC "/saml/corp/acs\"", "" }, .want = RB_SAML_RECIPIENT },
    { "first refused second of NotOnOrAfter", .later_s = 300 + 60, .want = RB_SAML_EXPIRED },
    { "Conditions expired alone", .before = { "NotBefore=\"2027-01-15T07:59:00Z\" NotOnOrAfter=\"2027-01-15T08:05:00Z\"", "NotOnOrAfter=\"2027-01-15T07:59:00Z\"" }, .want = RB_SAML_EXPIRED },
    { "first refused second of NotBefore", .later_s = -60 - 61, .before = { "IssueInstant=\"2027-01-15T08:00:00Z\"", "IssueInstant=\"2027-01-15T07:50:00Z\"" }, .want = RB_SAML_NOT_YET_VALID },
    { "NotOnOrAfter is no time", .before = { "NotOnOrAfter=\"2027-01-15T08:05:00Z\"/>", "NotOnOrAfter=\"soon\"/>" }, .want = RB_SAML_MALFORMED },
    { "no IssueInstant", .before = { "ID=\"_a1\" Version=\"2.0\" IssueInstant=\"2027-01-15T08:00:00Z\"", "ID=\"_a1\" Version=\"2.0\"" }, .want = RB_SAML_MALFORMED },
    { "for another audience", .before = { "<saml:Audience>" IDP_PUBLIC, "<saml:Audience>https://other.example" }, .want = RB_SAML_AUDIENCE },
    { "second restriction without us", .before = { "</saml:Conditions>", "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction></saml:Conditions>" }, .want = RB_SAML_AUDIENCE },
    { "no audience", .before = { "saml:AudienceRestriction", "saml:OneTimeUse" }, .want = RB_SAML_AUDIENCE },
    { "no Conditions", .before = { "saml:Conditions", "saml:Advice" }, .want = RB_SAML_AUDIENCE },
    { "audience by prefix", .before = { "/metadata</saml:Audience>", "/metadata/</saml:Audience>" }, .want = RB_SAML_AUDIENCE },
    { "unknown condition", .before = { "</saml:Conditions>", "<saml:Condition/></saml:Conditions>" }, .want = RB_SAML_CONDITION },
    { "condition of another namespace", .before = { "</saml:Conditions>", "<x xmlns=\"urn:x\"/></saml:Conditions>" }, .want = RB_SAML_CONDITION },
    { "no AuthnStatement", .before = { "saml:AuthnStatement", "saml:AuthzDecisionStatement" }, .want = RB_SAML_AUTHN_STATEMENT },
    { "no AuthnInstant", .before = { "AuthnInstant=\"2027-01-15T07:50:00Z\" ", "" }, .want = RB_SAML_AUTHN_STATEMENT },
    { "two AuthnStatements", .before = { "</saml:AuthnStatement>", "</saml:AuthnStatement><saml:AuthnStatement AuthnInstant=\"2027-01-15T07:50:00Z\"/>" }, .want = RB_SAML_AUTHN_STATEMENT },
    { "signed in in the future", .before = { "2027-01-15T07:50:00Z", "2027-01-15T08:01:01Z" }, .want = RB_SAML_NOT_YET_VALID },
    { "first refused second of ForceAuthn", .flags = FORCED, .before = { "2027-01-15T07:50:00Z", "2027-01-15T07:57:59Z" }, .want = RB_SAML_STALE_SIGN_IN },
    { "first refused second of SessionNotOnOrAfter", .later_s = 60, .before = { "2027-01-15T16:00:00Z", "2027-01-15T08:00:00Z" }, .want = RB_SAML_SESSION_OVER },
    { "no second factor", .flags = MFA, .want = RB_SAML_MFA_MISSING },
    { "another context than asked for", .provider = "context", .want = RB_SAML_NO_AUTHN_CONTEXT },

    /* who it is */
    { "groups left out by Entra", .before = { "Name=\"groups\"", "Name=\"http://schemas.microsoft.com/claims/groups.link\"" }, .want = RB_IDENTITY_GROUPS_INCOMPLETE },
    { "encrypted attribute", .before = { "</saml:AttributeStatement>", "<saml:EncryptedAttribute/></saml:AttributeStatement>" }, .want = RB_SAML_MALFORMED },
    { "a group that is XML", .before = { "acme-data-science</saml:AttributeValue>", "<saml:NameID>x</saml:NameID></saml:AttributeValue>" }, .want = RB_SAML_MALFORMED },
    { "attribute without a name", .before = { "Name=\"uid\"", "FriendlyName=\"uid\"" }, .want = RB_SAML_MALFORMED },
    { "name attribute missing", .provider = "uid", .before = { "Name=\"uid\"", "Name=\"mail\"" }, .want = RB_IDENTITY_NAME_MISSING },
    { "name attribute of two values", .provider = "uid", .before = { "alice</saml:AttributeValue>", "alice</saml:AttributeValue><saml:AttributeValue>root</saml:AttributeValue>" }, .want = RB_IDENTITY_MALFORMED },
    { "a name that AWS cannot carry", .before = { ">" NAME_ID, ">alice smith</saml:NameID>" }, .want = RB_IDENTITY_NAME_UNUSABLE },
};
/* clang-format on */

static char *
edit(char *text, const char *const *edits)
{
    for (; *edits != NULL; edits += 2) {
        char *next = idp_replace(text, edits[0], edits[1]);
        g_free(text);
        text = next;
    }
    return text;
}

static char *
signature_or_nothing(const Row *row, char which, const char *id)
{
    const char *sign = row->sign == NULL ? "a" : row->sign;

    return strchr(sign, which) == NULL ? g_strdup("")
                                       : idp_signature(id, row->method == NULL ? "rsa-sha256" : row->method);
}

static char *
fill_in(char *text, const char *mark, char *with)
{
    char *next = idp_replace(text, mark, with);

    g_free(text);
    g_free(with);
    return next;
}

static char *
sign(char *text, int key)
{
    char *next = idp_sign(world->idp, text, key);

    g_free(text);
    return next;
}

/* The row's message, as sent. */
static char *
message(const Row *row)
{
    char *text = idp_response(row->provider == NULL ? "corp" : row->provider), *sealed;
    gboolean seals = row->transport != NULL;

    text = edit(text, row->before[0] != NULL && strstr(row->before[0], "SIG@") != NULL
                          ? row->before
                          : (const char *const[]){ NULL });
    text = fill_in(text, "@MORE@", g_strdup(""));
    text = fill_in(text, "@ASIG@", signature_or_nothing(row, 'a', "_a1"));
    if (!seals)
        text = fill_in(text, "@RSIG@", signature_or_nothing(row, 'r', "_r1"));
    if (row->before[0] != NULL && strstr(row->before[0], "SIG@") == NULL)
        text = edit(text, row->before);
    text = sign(text, row->key);
    if (seals) {
        sealed = idp_encrypt(world->idp, text, row->transport, row->algorithm,
                             row->wrap_key == 0 ? IDP_SP_DECRYPT : row->wrap_key);
        g_free(text);
        text = sign(fill_in(sealed, "@RSIG@", signature_or_nothing(row, 'r', "_r1")), row->key);
    }
    text = edit(text, row->after);
    if (row->twist != NULL) {
        char *twisted = row->twist(text);
        g_free(text);
        text = twisted;
    }
    return text;
}

static RbVerified *
send(const Row *row, const char *xml, GError **error)
{
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *base64 = g_base64_encode((const guchar *)xml, strlen(xml));
    char request_id[] = "_req1";
    const RbSignIn sign_in = { .request_id = request_id,
                               .started_at = IDP_NOW - 60,
                               .forced = (row->flags & FORCED) != 0,
                               .wants_mfa = (row->flags & MFA) != 0 };
    const RbInbound inbound = { .method = "POST", .fields = fields };

    g_hash_table_insert(fields, (char *)"SAMLResponse", base64);
    return rb_provider_finish(
        rb_providers_find(world->providers, row->provider == NULL ? "corp" : row->provider),
        row->flags & UNSOLICITED ? NULL : &sign_in, &inbound, IDP_NOW + row->later_s, error);
}

static void
test_rows(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Row *row = &rows[i];
        g_autofree char *xml = message(row);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = send(row, xml, &error);
        gboolean ok =
            row->want == RB_ACCEPTED ? verified != NULL : verified == NULL && rb_is_refusal(error, row->want);
        if ((verified == NULL) != (error != NULL))
            fail_msg("%s: neither accepted nor refused", row->name);
        if (ok)
            continue;
        wrong++;
        print_error("%s: %s%s%s\n", row->name, verified != NULL ? "accepted" : rb_outcome(error)->id,
                    error == NULL ? "" : ": ", error == NULL ? "" : error->message);
    }
    if (wrong > 0)
        fail_msg("%u of %u rows", wrong, (guint)G_N_ELEMENTS(rows));
}

/* What is said of a person who got in is what the signed node says. */
static void
test_identity(void **state)
{
    const Row row = { .name = "identity", .sign = "ar" };
    g_autofree char *xml = message(&row);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = send(&row, xml, &error);
    const RbIdentity *identity;

    (void)state;
    assert_non_null(verified);
    identity = verified->identity;
    assert_string_equal(identity->subject, "alice@acme.example");
    assert_string_equal(identity->name, "alice@acme.example");
    assert_string_equal(identity->provider, "corp");
    assert_string_equal(identity->issuer, IDP_ENTITY);
    assert_int_equal(identity->n_groups, 1);
    assert_string_equal(identity->groups[0], "acme-data-science");
    assert_string_equal(rb_identity_attribute(identity, "uid")[0], "alice");
    assert_int_equal(identity->authenticated_at, IDP_NOW - 600);
    assert_int_equal(identity->expires_at, IDP_NOW + 8 * 3600);
    assert_int_equal(identity->groups_at, IDP_NOW);
    assert_false(identity->mfa);
    assert_string_equal(identity->session_index, "_s1");
    assert_string_equal(identity->name_id_format, "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress");
    assert_string_equal(verified->replay_key, "corp:_a1");
    assert_int_equal(verified->replay_until, IDP_NOW + 300 + 60);
}

/* Text is read whole: what a comment splits is one name, never its first half. */
static void
test_comment_in_name(void **state)
{
    const Row row = { .name = "comment",
                      .before = { "alice@acme.example", "alice@acme.example<!-- x -->.evil" } };
    g_autofree char *xml = message(&row);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = send(&row, xml, &error);

    (void)state;
    assert_non_null(verified);
    assert_string_equal(verified->identity->subject, "alice@acme.example.evil");
}

static void
test_two_thousand_groups(void **state)
{
    g_autofree char *xml = idp_response_signed(world->idp, "corp", 2000);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = world_post(world, "corp", xml, IDP_NOW, &error);

    (void)state;
    assert_non_null(verified);
    assert_int_equal(verified->identity->n_groups, 2000);
}

static const struct {
    const char *name, *method, *field, *value;
    RbRefusalCode want;
} forms[] = {
    { "by GET", "GET", "SAMLResponse", "PHIvPg==", RB_SAML_MALFORMED },
    { "another field", "POST", "SAMLRequest", "PHIvPg==", RB_SAML_MALFORMED },
    { "empty", "POST", "SAMLResponse", "", RB_SAML_MALFORMED },
    { "not base64", "POST", "SAMLResponse", "PHIvPg=", RB_SAML_MALFORMED },
    { "not XML", "POST", "SAMLResponse", "aGVsbG8=", RB_SAML_MALFORMED },
    { "a NUL", "POST", "SAMLResponse", "PHIvPgA8", RB_SAML_FORBIDDEN_XML },
    { "UTF-16", "POST", "SAMLResponse", "//48AHIALwA+AA==", RB_SAML_FORBIDDEN_XML },
    { "other XML", "POST", "SAMLResponse", "PHIvPg==", RB_SAML_MALFORMED },
};

static void
test_forms(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
        const RbInbound inbound = { .method = forms[i].method, .fields = fields };
        g_autoptr(GError) error = NULL;
        g_hash_table_insert(fields, (char *)forms[i].field, (char *)forms[i].value);
        assert_null(
            rb_provider_finish(rb_providers_find(world->providers, "corp"), NULL, &inbound, IDP_NOW, &error));
        if (!rb_is_refusal(error, forms[i].want))
            fail_msg("%s: %s", forms[i].name, error->message);
    }
}

static int
setup(void **state)
{
    (void)state;
    world = world_new();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_comment_in_name),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_two_thousand_groups),
    };

    return cmocka_run_group_tests_name("saml_response", tests, setup, teardown);
}
