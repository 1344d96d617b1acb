import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sts.StsClient;

/** Who the AWS SDK for Java v2 is with the profile of AWS_PROFILE: prints the ARN. */
public final class Identity {
    public static void main(String[] arguments) {
        try (ProfileCredentialsProvider credentials = ProfileCredentialsProvider.create();
                StsClient sts = StsClient.builder().region(Region.EU_CENTRAL_1).credentialsProvider(credentials).build()) {
            System.out.println(sts.getCallerIdentity().arn());
        }
    }
}
