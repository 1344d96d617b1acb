// Who the AWS SDK for JavaScript v3 is by fromSSO with PROFILE, from the sign-in that a login left in the cache: prints the ARN.
//
//   node matrix.mjs PROFILE
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.NODE_DIR}/package.json`);
const { fromSSO } = require('@aws-sdk/credential-providers');
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');

const credentials = fromSSO({ profile: process.argv[2] });
const { Arn } = await new STSClient({ region: 'eu-central-1', credentials }).send(new GetCallerIdentityCommand({}));
console.log(Arn);
