#!/usr/bin/env bash
# A genuine single-node Apache Kafka 4.4.0 broker for tests and development: KRaft combined mode,
# loopback only, the jars from Maven Central.
#   kafka.sh start DIR PORT   set DIR up and start a broker on 127.0.0.1:PORT (controller: PORT+1)
#   kafka.sh stop DIR         stop it; its data stays
#   kafka.sh wipe DIR         stop it and remove its data, configuration and log
#   kafka.sh jars             only fetch the jars
# WEIR_KAFKA_JARS  where the jars are kept (default: .kafka/jars-4.4.0 in the project's root)
# WEIR_KAFKA_HEAP  the broker's heap (default: 1g)
set -euo pipefail

version=4.4.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
jars=${WEIR_KAFKA_JARS:-$here/../.kafka/jars-$version}

usage() { sed -n '4,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
fail() { echo "kafka.sh: $*" >&2; exit 1; }

require_java() {
  command -v java >/dev/null || fail "java is missing: apt-get install openjdk-17-jre-headless"
  local major
  major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${major:-0}" -ge 17 ] ||
    fail "Java 17 is needed, this is $major: apt-get install openjdk-17-jre-headless"
}

# One download serves every broker of the machine; the lock keeps two test runs from sharing a half
# finished directory, and the mark is written last.
fetch_jars() {
  mkdir -p "$jars"
  jars=$(cd "$jars" && pwd)
  [ -f "$jars/.complete" ] && return
  command -v mvn >/dev/null || fail "mvn is missing: apt-get install maven"
  exec 9>"$jars/.lock"
  if command -v flock >/dev/null; then flock 9; fi
  if [ ! -f "$jars/.complete" ]; then
    echo "fetching Apache Kafka $version into $jars"
    rm -f "$jars"/*.jar
    mvn -q -B -f "$here/kafka/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$jars" >&2
    touch "$jars/.complete"
  fi
  exec 9>&-
}

# The pid file may outlive its broker, and the number may be in use again: ask who it is.
running() {
  [ -f "$dir/broker.pid" ] || return 1
  ps -o command= -p "$(cat "$dir/broker.pid")" 2>/dev/null |
    grep -qF "kafka.Kafka $dir/server.properties"
}

stop() {
  if running; then
    local pid
    pid=$(cat "$dir/broker.pid")
    kill "$pid"
    # A paused broker cannot stop; wake it.
    kill -CONT "$pid"
    for _ in $(seq 300); do running || break; sleep 0.1; done
    if running; then kill -KILL "$pid"; sleep 0.2; fi
    if running; then fail "broker $pid does not stop"; fi
  fi
  rm -f "$dir/broker.pid"
}

# Replication is 1 because there is one node. The two internal topics have few partitions and the
# rebalance delay is 0, so that a group is formed in milliseconds; a session may be as short as a
# second and the cleaner looks often, so that tests of both are short.
configure() {
  cat > "$dir/server.properties" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/data
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
fetch.max.bytes=67108864
socket.request.max.bytes=134217728
log.cleaner.backoff.ms=200
log.index.size.max.bytes=1048576
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
P
}

start() {
  if running; then echo "already running: pid $(cat "$dir/broker.pid")"; return; fi
  require_java
  fetch_jars
  configure
  if [ ! -f "$dir/data/meta.properties" ]; then
    local id
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '=')
    java -cp "$jars/*" kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" \
      > "$dir/broker.log" 2>&1 ||
      { tail -n 20 "$dir/broker.log" >&2; fail "cannot format $dir/data"; }
  fi
  : > "$dir/broker.log"
  # A session of its own: Ctrl-C at a test run must reach the broker through `stop`, not directly.
  local detach=
  if command -v setsid >/dev/null; then detach=setsid; fi
  # This broker lives for seconds to minutes beside what is tested or measured: the optimizing
  # compiler and the concurrent collector would take more of the machine than its work does.
  local heap=${WEIR_KAFKA_HEAP:-1g}
  nohup $detach java "-Xms$heap" "-Xmx$heap" -XX:+UseParallelGC -XX:TieredStopAtLevel=1 \
    "-Dlog4j2.configurationFile=$here/kafka/log4j2.properties" \
    -cp "$jars/*" kafka.Kafka "$dir/server.properties" > "$dir/broker.log" 2>&1 </dev/null &
  echo $! > "$dir/broker.pid"
  for _ in $(seq 600); do
    if grep -q 'Kafka Server started' "$dir/broker.log"; then
      echo "Apache Kafka $version on 127.0.0.1:$port, pid $(cat "$dir/broker.pid")"
      return
    fi
    # The first look may come before exec: only a broker that was seen and went is a failure.
    kill -0 "$(cat "$dir/broker.pid")" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 20 "$dir/broker.log" >&2
  stop
  fail "the broker did not start on port $port; its log is $dir/broker.log"
}

[ $# -ge 1 ] || usage
if [ "$1" = jars ]; then require_java; fetch_jars; exit; fi
[ $# -ge 2 ] || usage
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $1/$# in
  start/3) port=$3; start ;;
  stop/2) stop ;;
  wipe/2) stop; rm -rf "$dir/data" "$dir/broker.log" "$dir/server.properties" ;;
  *) usage ;;
esac
