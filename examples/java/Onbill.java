// Calls onbill as a partner, with a JDK from 17 on and nothing else. The profile is in docs/signing.md.
//
//   ONBILL_URL=https://pay.example.com ONBILL_KEYS=partner-netflix.json \
//     java Onbill.java POST /ott/v1/pin '{"msisdn":"+12025550101","operator":"acme"}'

import java.net.URI;
import java.net.http.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.spec.*;
import java.time.*;
import java.util.*;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** A partner's client: your keys, and the address of the edge. */
public class Onbill {
    static final int SKEW_SECONDS = 300;
    static final int SECONDS_MAX = 30;
    static final String COVERED_BY_RESPONSES =
        "(\"@status\" \"content-digest\" \"content-type\" \"signature\";req;key=\"sig1\");";

    /** A response; operator is the party that signed a success, such as operator:acme, or null. */
    record Answer(int status, String operator, String body) {}

    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
        // A signature is for one address, so no redirect is followed.
        .followRedirects(HttpClient.Redirect.NEVER).connectTimeout(Duration.ofSeconds(10)).build();
    private final String url;
    private final List<Map<String, String>> operators;
    private final Map<String, String> key;
    private final PrivateKey privateKey;

    Onbill(String url, List<Map<String, String>> ring) throws GeneralSecurityException {
        this.url = url.replaceAll("/+$", "");
        this.operators = keysOf(ring, "origin-to-partner", "secret");
        var own = keysOf(ring, "partner-call", "private");
        // The last key of a use signs: that is how keys rotate.
        this.key = own.get(own.size() - 1);
        this.privateKey = KeyFactory.getInstance("Ed25519")
            .generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, unbase64url(key.get("private"))));
    }

    /** One call. The target is a percent-encoded path with its query; the body is JSON, or null. */
    Answer call(String method, String target, String body) throws Exception {
        URI uri = URI.create(url + target);
        byte[] bytes = body == null ? null : body.getBytes(StandardCharsets.UTF_8);
        Map<String, String> headers = sign(method, uri, bytes);
        var publisher = bytes == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(bytes);
        var request = HttpRequest.newBuilder(uri).method(method, publisher);
        headers.forEach(request::header);
        // A timeout of the request would end with the head of the response, however slowly the body comes.
        var pending = client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        HttpResponse<byte[]> response;
        try {
            response = pending.get(SECONDS_MAX, TimeUnit.SECONDS);
        } finally {
            pending.cancel(true);
        }
        boolean isSuccess = response.statusCode() / 100 == 2;
        String operator = isSuccess ? signer(headers.get("signature"), response) : null;
        return new Answer(response.statusCode(), operator, new String(response.body(), StandardCharsets.UTF_8));
    }

    private Map<String, String> sign(String method, URI uri, byte[] bytes) throws GeneralSecurityException {
        var components = new LinkedHashMap<String, String>();
        components.put("\"@method\"", method);
        components.put("\"@authority\"", authority(uri));
        components.put("\"@path\"", uri.getRawPath());
        components.put("\"@query\"", "?" + (uri.getRawQuery() == null ? "" : uri.getRawQuery()));
        var headers = new LinkedHashMap<>(Map.of("accept", "application/json"));
        if (bytes != null) {
            headers.put("content-type", "application/json");
            headers.put("content-digest", digest(bytes));
            components.put("\"content-digest\"", digest(bytes));
            components.put("\"content-type\"", "application/json");
        }
        String params = "(" + String.join(" ", components.keySet()) + ");created=" + Instant.now().getEpochSecond()
            + ";nonce=\"" + UUID.randomUUID() + "\";keyid=\"" + key.get("id") + "\";tag=\"onbill-partner-call\"";
        Signature signer = Signature.getInstance("Ed25519");
        signer.initSign(privateKey);
        signer.update(base(components, params));
        headers.put("signature-input", "sig1=" + params);
        headers.put("signature", "sig1=:" + base64(signer.sign()) + ":");
        return headers;
    }

    /** The party that signed this response; null when no one has. */
    private String signer(String requestSignature, HttpResponse<byte[]> response) throws GeneralSecurityException {
        String params = field(response, "signature-input").replaceFirst("^sig1=", "");
        boolean isResponse = params.startsWith(COVERED_BY_RESPONSES) && params.contains(";tag=\"onbill-answer\"");
        String created = find(";created=(\\d{1,12})(?:;|$)", params);
        if (!isResponse || created == null) return null;
        if (Math.abs(Long.parseLong(created) - Instant.now().getEpochSecond()) > SKEW_SECONDS) return null;
        String id = find(";keyid=\"([^\"]*)\"", params);
        var signing = operators.stream().filter(entry -> entry.get("id").equals(id)).findFirst();
        String digest = digest(response.body());
        if (signing.isEmpty() || !field(response, "content-digest").equals(digest)) return null;
        var components = new LinkedHashMap<String, String>();
        components.put("\"@status\"", String.valueOf(response.statusCode()));
        components.put("\"content-digest\"", digest);
        components.put("\"content-type\"", field(response, "content-type"));
        components.put("\"signature\";req;key=\"sig1\"", requestSignature.replaceFirst("^sig1=", ""));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(unbase64url(signing.get().get("secret")), "HmacSHA256"));
        String expected = "sig1=:" + base64(mac.doFinal(base(components, params))) + ":";
        boolean isSigned = MessageDigest.isEqual(expected.getBytes(), field(response, "signature").getBytes());
        return isSigned ? signing.get().get("party") : null;
    }

    /** The text that is signed: no newline at its end. */
    static byte[] base(Map<String, String> components, String params) {
        String lines = components.entrySet().stream()
            .map(line -> line.getKey() + ": " + line.getValue() + "\n").collect(Collectors.joining());
        return (lines + "\"@signature-params\": " + params).getBytes(StandardCharsets.UTF_8);
    }

    static String authority(URI uri) {
        int usual = uri.getScheme().equals("https") ? 443 : 80;
        String host = uri.getHost().toLowerCase(Locale.ROOT);
        return uri.getPort() == -1 || uri.getPort() == usual ? host : host + ":" + uri.getPort();
    }

    static String digest(byte[] bytes) throws GeneralSecurityException {
        return "sha-256=:" + base64(MessageDigest.getInstance("SHA-256").digest(bytes)) + ":";
    }
    static String field(HttpResponse<?> response, String name) { return response.headers().firstValue(name).orElse(""); }

    static String find(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().findFirst().map(found -> found.group(1)).orElse(null);
    }

    static String base64(byte[] bytes) { return Base64.getEncoder().encodeToString(bytes); }
    static byte[] unbase64url(String text) { return Base64.getUrlDecoder().decode(text); }

    /** The keys of a ring. Its members are plain text, so that it needs no JSON library. */
    static List<Map<String, String>> readRing(String json) {
        var member = Pattern.compile("\"(\\w+)\"\\s*:\\s*\"([^\"]*)\"");
        var entries = Pattern.compile("\\{[^{}]*}").matcher(json).results();
        return entries.map(entry -> member.matcher(entry.group()).results()
            .collect(Collectors.toMap(found -> found.group(1), found -> found.group(2)))).toList();
    }

    /** The keys of one use. What is wrong with the file shows here, and not after a call. */
    static List<Map<String, String>> keysOf(List<Map<String, String>> ring, String use, String secret) {
        var keys = ring.stream().filter(entry -> use.equals(entry.get("use"))).toList();
        var members = List.of("id", "party", secret);
        if (keys.isEmpty() || !keys.stream().allMatch(entry -> entry.keySet().containsAll(members))) {
            throw new IllegalArgumentException("The key file needs keys of use " + use + ", each with "
                + String.join(", ", members) + ". Of a JWKS, `onbill keys ring` makes such a file.");
        }
        return keys;
    }

    public static void main(String[] args) throws Exception {
        var ring = readRing(Files.readString(Path.of(System.getenv("ONBILL_KEYS"))));
        var onbill = new Onbill(System.getenv("ONBILL_URL"), ring);
        Answer answer = onbill.call(args[0], args[1], args.length > 2 ? args[2] : null);
        String signer = Objects.requireNonNullElse(answer.operator, "no one");
        System.out.println(answer.status + " signed by: " + signer + "\n" + answer.body);
        // Only what the operator has signed has happened. Repeat everything else with the same ids.
        System.exit(answer.operator == null ? 1 : 0);
    }
}
