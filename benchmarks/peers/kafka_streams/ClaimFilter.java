import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams: typed JSON, a global table with the history, one join.
 *
 * <p>Arguments: bootstrap servers, claims topic, history topic, output topic, application id.
 */
public final class ClaimFilter {
    private static final Set<String> CODES = Set.of("38242", "86999");
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final ObjectReader CLAIM = MAPPER.readerFor(Claim.class);
    private static final ObjectReader EVENT = MAPPER.readerFor(HistoryEvent.class);

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Line(@JsonProperty("procedure_code") String procedureCode) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Claim(
            @JsonProperty("claim_id") String claimId,
            @JsonProperty("member_id") String memberId,
            @JsonProperty("service_lines") List<Line> lines) {
        boolean isInScope() {
            for (Line line : lines) {
                if (CODES.contains(line.procedureCode())) {
                    return true;
                }
            }
            return false;
        }
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Transplant(
            @JsonProperty("type") String type,
            @JsonProperty("medically_necessary") Boolean medicallyNecessary) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record HistoryEvent(@JsonProperty("transplant") Transplant transplant) {}

    public static void main(String[] args) throws Exception {
        var builder = new StreamsBuilder();
        var history =
                builder.globalTable(
                        args[2],
                        Consumed.with(Serdes.String(), Serdes.ByteArray()),
                        Materialized.<String, byte[]>as(Stores.inMemoryKeyValueStore("history"))
                                .withKeySerde(Serdes.String())
                                .withValueSerde(Serdes.ByteArray()));
        builder.stream(args[1], Consumed.with(Serdes.Bytes(), Serdes.ByteArray()))
                .mapValues(value -> ClaimFilter.<Claim>read(CLAIM, value))
                .filter((key, claim) -> claim.isInScope())
                .leftJoin(history, (key, claim) -> claim.memberId(), ClaimFilter::decide)
                .selectKey((key, decision) -> decision.claimId())
                .mapValues(Decision::value)
                .to(args[3], Produced.with(Serdes.String(), Serdes.ByteArray()));

        var streams = new KafkaStreams(builder.build(), config(args[0], args[4]));
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        Thread.currentThread().join();
    }

    record Decision(String claimId, byte[] value) {}

    private static Decision decide(Claim claim, byte[] history) {
        Transplant transplant =
                history == null ? null : ClaimFilter.<HistoryEvent>read(EVENT, history).transplant();
        boolean approved =
                transplant != null
                        && "allogeneic".equals(transplant.type())
                        && Boolean.TRUE.equals(transplant.medicallyNecessary());
        try {
            return new Decision(
                    claim.claimId(),
                    MAPPER.writeValueAsBytes(
                            Map.of(
                                    "claim_id", claim.claimId(),
                                    "member_id", claim.memberId(),
                                    "decision", approved ? "approve" : "pend",
                                    "reason", approved ? "DLI_CRITERIA_MET" : "HISTORY_NOT_FOUND")));
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static <T> T read(ObjectReader reader, byte[] value) {
        try {
            return reader.readValue(value);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static Properties config(String servers, String id) throws IOException {
        var config = new Properties();
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, id);
        config.put(StreamsConfig.STATE_DIR_CONFIG, Files.createTempDirectory("streams").toString());
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
        config.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 20_000);
        config.put("consumer.auto.offset.reset", "earliest");
        config.put("consumer.max.poll.records", 10_000);
        config.put("consumer.fetch.max.bytes", 52_428_800);
        config.put("consumer.max.partition.fetch.bytes", 8_388_608);
        config.put("producer.linger.ms", System.getenv().getOrDefault("LINGER_MS", "20"));
        config.put("producer.batch.size", 262_144);
        config.put("producer.compression.type", "lz4");
        return config;
    }
}
