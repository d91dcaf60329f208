#!/bin/sh
# Runs the migration as a task of its own and waits for its end: terraform apply calls it before it changes the service.
# It needs the AWS command line, with the credentials that Terraform has, and is told by variables what to run.
set -eu

task=$(aws ecs run-task \
    --cluster "$CLUSTER" \
    --task-definition "$TASK_DEFINITION" \
    --launch-type FARGATE \
    --started-by terraform \
    --network-configuration "awsvpcConfiguration={subnets=[$SUBNETS],securityGroups=[$SECURITY_GROUP],assignPublicIp=DISABLED}" \
    --query 'tasks[0].taskArn' --output text)
if [ "$task" = None ] || [ -z "$task" ]; then
    echo "migrate: no task was started: are there addresses in the subnets, and capacity?" >&2
    exit 1
fi

# `wait` gives up after ten minutes; a large table may take longer
until aws ecs wait tasks-stopped --cluster "$CLUSTER" --tasks "$task"; do
    echo "migrate: it still runs" >&2
done
code=$(aws ecs describe-tasks --cluster "$CLUSTER" --tasks "$task" \
    --query 'tasks[0].containers[0].exitCode' --output text)
if [ "$code" != 0 ]; then
    echo "migrate: exit code $code; the servers stay as they are. Its log is in $LOG_GROUP, stream server/migrate/${task##*/}." >&2
    exit 1
fi
echo "migrate: done"
