// Who the AWS SDK for JavaScript says it is, with the credentials of one provider: delivery.mjs PROVIDER
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.NODE_DIR}/package.json`);
const providers = require('@aws-sdk/credential-providers');
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');

const credentials = providers[process.argv[2]]();
const first = await credentials();
if (!(first.expiration > new Date(Date.now() + 60000))) throw new Error('no expiration: they would never be renewed');
console.log((await new STSClient({ region: process.env.AWS_REGION, credentials }).send(new GetCallerIdentityCommand({}))).Arn);
