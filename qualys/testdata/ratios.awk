# Reads the output of Go benchmarks in threes (floor, stdlib, ours), a round
# after the other, and prints the median of each and its ratio to the others.
/^Benchmark/ && $4 == "ns/op" {
	sub(/-[0-9]+$/, "", $1)
	cut = index($1, "/")
	name = substr($1, 10, cut - 10)
	kind = substr($1, cut + 1)
	if (!(name in seen)) { seen[name] = 1; order[++names] = name }
	n = ++count[name, kind]
	value[name, kind, n] = $3 + 0
}
function median(name, kind,    i, j, n, v, t) {
	n = count[name, kind]
	for (i = 1; i <= n; i++) v[i] = value[name, kind, i]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function ratio(a, b) { return b > 0 ? sprintf("%.2f", a / b) : "-" }
END {
	printf "%-12s %6s %12s %12s %12s %11s %11s\n", "", "rounds", "floor", "stdlib", "ours", "ours/floor", "ours/stdlib"
	for (k = 1; k <= names; k++) {
		name = order[k]
		floor = median(name, "floor"); stdlib = median(name, "stdlib"); ours = median(name, "ours")
		printf "%-12s %6d %9.1f ms %9s ms %9.1f ms %11s %11s\n", name, count[name, "ours"], floor / 1e6,
			stdlib ? sprintf("%.1f", stdlib / 1e6) : "-", ours / 1e6, ratio(ours, floor), ratio(ours, stdlib)
	}
}
