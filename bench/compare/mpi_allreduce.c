/* MPI_Allreduce timed in the way of Intel MPI Benchmarks (IMB-MPI1 Allreduce, its defaults): float32 sum, out of
 * place, the same buffers again and again; each call is timed by itself, with an untimed barrier before it; the mean
 * over calls, then over ranks.
 *
 * mpicc -O2 mpi_allreduce.c -o mpi_allreduce && mpirun -np 2 ./mpi_allreduce BYTES ITERATIONS
 * Rank 0 prints microseconds. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  if (argc != 3) MPI_Abort(MPI_COMM_WORLD, 2);
  const int count = (int)(atol(argv[1]) / (long)sizeof(float));
  const int iterations = atoi(argv[2]);
  const int warmup = iterations / 10 + 1;
  float* send = calloc((size_t)count + 1, sizeof(float));
  float* receive = calloc((size_t)count + 1, sizeof(float));
  int rank, size;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int i = 0; i < warmup; ++i)
    MPI_Allreduce(send, receive, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
  double seconds = 0, sum = 0;
  for (int i = 0; i < iterations; ++i) {
    MPI_Barrier(MPI_COMM_WORLD);
    seconds -= MPI_Wtime();
    MPI_Allreduce(send, receive, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    seconds += MPI_Wtime();
  }
  seconds /= iterations;
  MPI_Reduce(&seconds, &sum, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
  if (rank == 0) printf("%.2f\n", sum / size * 1e6);
  free(send);
  free(receive);
  MPI_Finalize();
  return 0;
}
