import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends the values in a file (base64, one a line) with Kafka's own Java client: one round a codec,
 * and two transactions behind them, of which the first is aborted.
 *
 * Arguments: bootstrap servers, topic, file.
 */
final class ScanProducer {
    public static void main(String[] args) throws Exception {
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
            try (var producer = producer(args[0], codec, null)) {
                send(producer, args[1], args[2]);
            }
        }
        try (var producer = producer(args[0], "lz4", args[1] + "-java")) {
            producer.initTransactions();
            producer.beginTransaction();
            send(producer, args[1], args[2]);
            producer.flush();
            producer.abortTransaction();
            producer.beginTransaction();
            send(producer, args[1], args[2]);
            producer.commitTransaction();
        }
    }

    private static KafkaProducer<byte[], byte[]> producer(String servers, String codec, String id) {
        var config = new Properties();
        config.put("bootstrap.servers", servers);
        config.put("compression.type", codec);
        config.put("linger.ms", 20);
        config.put("key.serializer", ByteArraySerializer.class);
        config.put("value.serializer", ByteArraySerializer.class);
        if (id != null) {
            config.put("transactional.id", id);
        }
        return new KafkaProducer<>(config);
    }

    private static void send(KafkaProducer<byte[], byte[]> producer, String topic, String file)
            throws Exception {
        int number = 0;
        for (String line : Files.readAllLines(Path.of(file))) {
            byte[] value = line.isEmpty() ? null : Base64.getDecoder().decode(line);
            byte[] key = number % 3 == 0 ? null : ("38242-" + number).getBytes();
            var record = new ProducerRecord<>(topic, number % 2, key, value);
            if (number % 5 == 0) {
                record.headers().add("traceparent", "86999".getBytes()).add("", null);
            }
            producer.send(record);
            number++;
        }
    }
}
