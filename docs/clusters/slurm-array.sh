#!/bin/bash
# One part of a run in each task of an array: `sbatch slurm-array.sh suite.yaml`, from a folder that all nodes share.
#SBATCH --job-name=bakeoff
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=4G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
set -eu
source .venv/bin/activate

parts=8 # the whole array, also when only `--array=3,5` is submitted again
exec bakeoff run "$@" --shard "$SLURM_ARRAY_TASK_ID/$parts" --no-tracking
