// Calls onbill as a partner, with a JDK from 17 on and nothing else. The profile is in docs/signing.md.
//
//   kotlinc onbill.kt -include-runtime -d onbill.jar
//   ONBILL_URL=https://pay.example.com ONBILL_KEYS=partner-netflix.json \
//     java -jar onbill.jar POST /ott/v1/pin '{"msisdn":"+12025550101","operator":"acme"}'

import java.io.File
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse
import java.net.http.HttpResponse.BodyHandlers
import java.security.KeyFactory
import java.security.MessageDigest
import java.security.PrivateKey
import java.security.Signature
import java.security.spec.EdECPrivateKeySpec
import java.security.spec.NamedParameterSpec
import java.time.Duration
import java.time.Instant
import java.util.Base64
import java.util.UUID
import java.util.concurrent.TimeUnit
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import kotlin.math.abs
import kotlin.system.exitProcess

const val SKEW_SECONDS = 300
const val SECONDS_MAX = 30L
const val COVERED_BY_RESPONSES = "(\"@status\" \"content-digest\" \"content-type\" \"signature\";req;key=\"sig1\");"

/** A key of the ring: its members, all of which are text. */
typealias Key = Map<String, String>

/** A response; [operator] is the party that signed a success, such as operator:acme. */
class Answer(val status: Int, val operator: String?, val body: String)

/** A partner's client: your keys, and the address of the edge. */
class Onbill(private val url: String, private val ring: List<Key>) {
    private val client = HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        // A signature is for one address, so no redirect is followed.
        .followRedirects(HttpClient.Redirect.NEVER)
        .connectTimeout(Duration.ofSeconds(10))
        .build()

    // The last key of a use signs: that is how keys rotate.
    private val key = ring.last { it["use"] == "partner-call" }
    private val privateKey: PrivateKey = KeyFactory.getInstance("Ed25519")
        .generatePrivate(EdECPrivateKeySpec(NamedParameterSpec.ED25519, unbase64url(key.getValue("private"))))

    /** One call. [target] is a percent-encoded path with its query; [body] is JSON, or null. */
    fun call(method: String, target: String, body: String?): Answer {
        val uri = URI.create(url.trimEnd('/') + target)
        val bytes = body?.toByteArray()
        val headers = sign(method, uri, bytes)
        val publisher = if (bytes == null) BodyPublishers.noBody() else BodyPublishers.ofByteArray(bytes)
        val request = HttpRequest.newBuilder(uri).method(method, publisher)
        headers.forEach { (name, value) -> request.header(name, value) }
        // A timeout of the request would end with the head of the response, however slowly the body comes.
        val pending = client.sendAsync(request.build(), BodyHandlers.ofByteArray())
        val response = try {
            pending.get(SECONDS_MAX, TimeUnit.SECONDS)
        } finally {
            pending.cancel(true)
        }
        val isSuccess = response.statusCode() in 200..299
        val operator = if (isSuccess) signer(headers.getValue("signature"), response) else null
        return Answer(response.statusCode(), operator, String(response.body()))
    }

    private fun sign(method: String, uri: URI, bytes: ByteArray?): Map<String, String> {
        val components = mutableListOf(
            "\"@method\"" to method,
            "\"@authority\"" to authority(uri),
            "\"@path\"" to uri.rawPath,
            "\"@query\"" to "?" + (uri.rawQuery ?: "")
        )
        val headers = mutableMapOf("accept" to "application/json")
        if (bytes != null) {
            headers["content-type"] = "application/json"
            headers["content-digest"] = digest(bytes)
            components += "\"content-digest\"" to digest(bytes)
            components += "\"content-type\"" to "application/json"
        }
        val names = components.joinToString(" ") { it.first }
        val params = "($names);created=${Instant.now().epochSecond};nonce=\"${UUID.randomUUID()}\"" +
            ";keyid=\"${key["id"]}\";tag=\"onbill-partner-call\""
        val signature = Signature.getInstance("Ed25519").run {
            initSign(privateKey)
            update(base(components, params))
            sign()
        }
        headers["signature-input"] = "sig1=$params"
        headers["signature"] = "sig1=:${base64(signature)}:"
        return headers
    }

    /** The party that signed this response; null when no one has. */
    private fun signer(requestSignature: String, response: HttpResponse<ByteArray>): String? {
        fun field(name: String) = response.headers().firstValue(name).orElse("")
        val params = field("signature-input").removePrefix("sig1=")
        if (!params.startsWith(COVERED_BY_RESPONSES) || param(params, "tag") != "onbill-answer") return null
        val created = Regex(";created=(\\d+)").find(params)?.groupValues?.get(1)?.toLongOrNull() ?: return null
        if (abs(created - Instant.now().epochSecond) > SKEW_SECONDS) return null
        val id = param(params, "keyid")
        val key = ring.find { it["use"] == "origin-to-partner" && it["id"] == id } ?: return null
        val digest = digest(response.body())
        if (field("content-digest") != digest) return null
        val components = listOf(
            "\"@status\"" to response.statusCode().toString(),
            "\"content-digest\"" to digest,
            "\"content-type\"" to field("content-type"),
            "\"signature\";req;key=\"sig1\"" to requestSignature.removePrefix("sig1=")
        )
        val mac = Mac.getInstance("HmacSHA256")
        mac.init(SecretKeySpec(unbase64url(key.getValue("secret")), "HmacSHA256"))
        val expected = "sig1=:${base64(mac.doFinal(base(components, params)))}:"
        val isSigned = MessageDigest.isEqual(expected.toByteArray(), field("signature").toByteArray())
        return if (isSigned) key["party"] else null
    }
}

/** The text that is signed: no newline at its end. */
fun base(components: List<Pair<String, String>>, params: String): ByteArray =
    (components.joinToString("") { (name, value) -> "$name: $value\n" } + "\"@signature-params\": $params").toByteArray()

fun authority(uri: URI): String {
    val default = if (uri.scheme == "https") 443 else 80
    val host = uri.host.map { Character.toLowerCase(it) }.joinToString("")
    return if (uri.port == -1 || uri.port == default) host else "$host:${uri.port}"
}

fun digest(bytes: ByteArray) = "sha-256=:${base64(MessageDigest.getInstance("SHA-256").digest(bytes))}:"

fun param(params: String, name: String) = Regex(";$name=\"([^\"]*)\"").find(params)?.groupValues?.get(1)

fun base64(bytes: ByteArray): String = Base64.getEncoder().encodeToString(bytes)

fun unbase64url(text: String): ByteArray = Base64.getUrlDecoder().decode(text)

/** The keys of a ring. Its members are plain text, so that it needs no JSON library. */
fun readRing(file: File): List<Key> = Regex("\\{[^{}]*}").findAll(file.readText()).map { entry ->
    Regex("\"(\\w+)\"\\s*:\\s*\"([^\"]*)\"").findAll(entry.value).associate { it.groupValues[1] to it.groupValues[2] }
}.toList()

fun main(args: Array<String>) {
    val onbill = Onbill(System.getenv("ONBILL_URL"), readRing(File(System.getenv("ONBILL_KEYS"))))
    val answer = onbill.call(args[0], args[1], args.getOrNull(2))
    println("${answer.status} signed by: ${answer.operator ?: "no one"}\n${answer.body}")
    // Only what the operator has signed has happened. Repeat everything else with the same ids.
    exitProcess(if (answer.operator != null) 0 else 1)
}
