#!/bin/bash
# One run over several nodes: `sbatch slurm-dask.sh suite.yaml`, from a folder that all nodes share.
#SBATCH --job-name=bakeoff
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=4G
#SBATCH --time=12:00:00
#SBATCH --no-kill
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
set -eu
source .venv/bin/activate

cluster=$PWD/dask-$SLURM_JOB_ID-${SLURM_RESTART_COUNT:-0}.json # a job that was requeued keeps its number
network=${NETWORK:+--interface=$NETWORK} # sbatch --export=ALL,NETWORK=ib0 where nodes have several networks

dask scheduler --scheduler-file "$cluster" --port 0 --no-dashboard $network &
srun --no-kill --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    dask worker --scheduler-file "$cluster" --nthreads "$SLURM_CPUS_PER_TASK" \
    --no-nanny --memory-limit 0 --no-dashboard --death-timeout 300 $network &

# `exec`: the signal meets bakeoff itself, and SLURM ends scheduler and workers with it.
exec bakeoff run "$@" --dask "$cluster"
