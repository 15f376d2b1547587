"""What programs call: the benchmark, a forget request, the records, and attacks on own outputs."""
