import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What an expert writes by hand instead of penstock, for one kind of event and one
 * model: each thread has a consumer and a transactional producer of its own, takes
 * up to 512 events, reads their 20 numbers with Jackson's streaming parser, runs
 * ONNX Runtime once, and writes a record for each, with positions in the same
 * transaction. Nothing is handled that goes wrong.
 *
 * <p>Loop BROKERS GROUP MODEL COUNT THREADS reads COUNT events from the topic in to
 * the topic out and ends. It prints what the second half of them took, when the JIT
 * has settled.
 */
final class Loop extends Thread {
  private static final String[] FIELDS = {
    "amount", "amount_avg_30d", "amount_sum_24h", "tx_count_1h", "tx_count_24h", "secs_since_last",
    "merchant_risk", "mcc", "distance_home_km", "is_3ds", "card_present", "hour", "weekday",
    "failed_pin_24h", "customer.age", "customer.tenure_days", "customer.credit_limit",
    "customer.utilization", "device.age_days", "device.ip_risk",
  };
  private static final int BATCH = 512;
  private static final Duration COMMIT = Duration.ofMillis(100);
  private static final AtomicLong left = new AtomicLong();

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final KafkaProducer<byte[], byte[]> producer;
  private final OrtEnvironment runtime = OrtEnvironment.getEnvironment();
  private final OrtSession model;
  private final JsonFactory json =
      JsonFactory.builder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build();
  private final Map<String, Object> columns = new HashMap<>(); // a column, or the columns of an object
  private final FloatBuffer rows =
      ByteBuffer.allocateDirect(BATCH * FIELDS.length * Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer();
  private final float[] row = new float[FIELDS.length];
  private long lastMillis = -1;
  private String lastTime;
  private final StringBuilder text = new StringBuilder(512);

  private Loop(String brokers, String group, OrtSession model, int thread) {
    this.model = model;
    Properties in = new Properties();
    in.put("bootstrap.servers", brokers);
    in.put("group.id", group);
    in.put("group.instance.id", group + thread);
    in.put("auto.offset.reset", "earliest");
    in.put("enable.auto.commit", "false");
    in.put("isolation.level", "read_committed");
    in.put("max.poll.records", BATCH);
    in.put("max.partition.fetch.bytes", 4 << 20);
    consumer = new KafkaConsumer<>(in, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    Properties out = new Properties();
    out.put("bootstrap.servers", brokers);
    out.put("transactional.id", group + thread);
    out.put("acks", "all");
    out.put("linger.ms", 5);
    out.put("batch.size", 1 << 18);
    out.put("buffer.memory", 64 << 20);
    producer = new KafkaProducer<>(out, new ByteArraySerializer(), new ByteArraySerializer());
    for (int i = 0; i < FIELDS.length; i++) {
      Map<String, Object> at = columns;
      String[] path = FIELDS[i].split("\\.");
      for (int j = 0; j < path.length - 1; j++) {
        @SuppressWarnings("unchecked")
        Map<String, Object> inner = (Map<String, Object>) at.computeIfAbsent(path[j], k -> new HashMap<String, Object>());
        at = inner;
      }
      at.put(path[path.length - 1], i);
    }
  }

  @Override
  public void run() {
    try {
      consumer.subscribe(List.of("in"));
      producer.initTransactions();
      while (left.get() > 0) {
        transaction();
      }
      producer.close();
      consumer.close();
    } catch (Exception e) {
      e.printStackTrace();
      System.exit(1);
    }
  }

  /** transaction takes what comes until it is time to commit, or nothing waits. */
  private void transaction() throws Exception {
    Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
    List<ConsumerRecord<byte[], byte[]>> events = new ArrayList<>(BATCH);
    long until = System.nanoTime() + COMMIT.toNanos();
    long taken = 0;
    do {
      ConsumerRecords<byte[], byte[]> polled = consumer.poll(Duration.ofMillis(taken == 0 ? 100 : 0));
      if (polled.isEmpty()) {
        break;
      }
      if (taken == 0) {
        producer.beginTransaction();
      }
      events.clear();
      for (ConsumerRecord<byte[], byte[]> event : polled) {
        events.add(event);
      }
      score(events);
      polled.nextOffsets().forEach(positions::put);
      taken += events.size();
    } while (System.nanoTime() < until);
    if (taken > 0) {
      producer.sendOffsetsToTransaction(positions, consumer.groupMetadata());
      producer.commitTransaction();
      left.addAndGet(-taken);
    }
  }

  private void score(List<ConsumerRecord<byte[], byte[]>> events) throws Exception {
    rows.clear();
    for (ConsumerRecord<byte[], byte[]> event : events) {
      Arrays.fill(row, Float.NaN);
      try (JsonParser parser = json.createParser(event.value())) {
        parser.nextToken();
        decode(parser, columns);
      }
      rows.put(row);
    }
    rows.flip();
    String now = Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
    try (OnnxTensor input = OnnxTensor.createTensor(runtime, rows, new long[] {events.size(), FIELDS.length});
        OrtSession.Result result = model.run(Map.of("input", input))) {
      LongBuffer labels = ((OnnxTensor) result.get(0)).getLongBuffer();
      FloatBuffer scores = ((OnnxTensor) result.get(1)).getFloatBuffer();
      for (int i = 0; i < events.size(); i++) {
        ConsumerRecord<byte[], byte[]> event = events.get(i);
        byte[] value = encode(event, now, scores.get(2 * i + 1), labels.get(i));
        producer.send(new ProducerRecord<>("out", event.key() == null ? event.partition() : null, event.key(), value, event.headers()));
      }
    }
  }

  @SuppressWarnings("unchecked")
  private void decode(JsonParser parser, Map<String, Object> columns) throws Exception {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      Object column = columns.get(parser.currentName());
      JsonToken value = parser.nextToken();
      if (column instanceof Integer at) {
        row[at] = switch (value) {
          case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getFloatValue();
          case VALUE_TRUE -> 1;
          case VALUE_FALSE -> 0;
          default -> Float.NaN;
        };
      } else if (column != null && value == JsonToken.START_OBJECT) {
        decode(parser, (Map<String, Object>) column);
      } else {
        parser.skipChildren();
      }
    }
  }

  /** encode makes the record that penstock makes, of one digest whatever the model. */
  private byte[] encode(ConsumerRecord<byte[], byte[]> event, String now, float score, long label) {
    text.setLength(0);
    text.append("{\"id\":\"in/").append(event.partition()).append('/').append(event.offset());
    text.append("\",\"pipeline\":\"card-fraud\",\"model\":\"model\",\"version\":\"e4b5d47bf38c\",\"digest\":\"sha256:")
        .append("e4b5d47bf38c70abe2113813b5f960602f2ecccbe1137a6ca48c8012406a76a0")
        .append("\",\"variant\":\"champion\",\"plan\":1,\"event_time\":\"")
        .append(timeOf(event.timestamp())).append("\",\"time\":\"").append(now)
        .append("\",\"score\":").append(score).append(",\"label\":").append(label).append('}');
    return text.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  private String timeOf(long millis) {
    if (millis != lastMillis) { // many events share one
      lastMillis = millis;
      lastTime = Instant.ofEpochMilli(millis).toString();
    }
    return lastTime;
  }

  public static void main(String[] args) throws Exception {
    long count = Long.parseLong(args[3]);
    int threads = Integer.parseInt(args[4]);
    left.set(count);
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(1);
    options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR); // of the label's shape, for each run
    OrtSession model = OrtEnvironment.getEnvironment().createSession(args[2], options);
    for (int i = 0; i < threads; i++) {
      new Loop(args[0], args[1], model, i).start();
    }
    OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    while (left.get() > count / 2) {
      Thread.sleep(1);
    }
    long cpu = system.getProcessCpuTime(), wall = System.nanoTime(), from = left.get();
    while (left.get() > 0) {
      Thread.sleep(1);
    }
    System.err.printf("%-36s %19.0f events/s  %6.2f us CPU an event%n", "of the next one, its second half",
        from * 1e9 / (System.nanoTime() - wall), (system.getProcessCpuTime() - cpu) / 1e3 / from);
  }
}
