# Reads the output of the benchmarks in pairs (floor, ours), a round after the
# other, and prints the median of each and their ratio: 1.00 is as many a second
# as the floor.
/^Benchmark/ {
	sub(/-[0-9]+$/, "", $1)
	cut = index($1, "/")
	name = substr($1, 10, cut - 10)
	kind = substr($1, cut + 1)
	if (!(name in seen)) { seen[name] = 1; order[++names] = name }
	n = ++count[name, kind]
	for (i = 3; i < NF; i += 2) value[name, kind, $(i + 1), n] = $i + 0
}
function median(name, kind, unit,    i, j, n, v, t) {
	n = count[name, kind]
	for (i = 1; i <= n; i++) v[i] = value[name, kind, unit, i]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
END {
	printf "%-12s %6s %10s %10s %10s %10s %11s\n", "", "rounds", "floor/s", "ours/s", "p50", "p90", "ours/floor"
	for (k = 1; k <= names; k++) {
		name = order[k]
		floor = median(name, "floor", "ns/op"); ours = median(name, "ours", "ns/op")
		printf "%-12s %6d %10.0f %10.0f %7.0f µs %7.0f µs %11.2f\n", name, count[name, "ours"], floor ? 1e9 / floor : 0, ours ? 1e9 / ours : 0,
			median(name, "ours", "p50-ns") / 1e3, median(name, "ours", "p90-ns") / 1e3, ours ? floor / ours : 0
	}
}
