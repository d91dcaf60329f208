# The servers, and the migration that runs before each deploy of another image.

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

locals {
  container = {
    image                  = var.image
    essential              = true
    readonlyRootFilesystem = true
    user                   = "10001:10001"
    stopTimeout            = 60 # longer than the server takes to stop: 10 seconds for requests, 30 in all
    linuxParameters        = { capabilities = { drop = ["ALL"], add = [] }, initProcessEnabled = true }
    environment            = [for name, value in local.environment : { name = name, value = value } if value != ""]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.server.name
        awslogs-region        = data.aws_region.current.region
        awslogs-stream-prefix = "server"
      }
    }
  }
}

resource "aws_ecs_task_definition" "server" {
  family                   = "${var.name}-server"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory_mib
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.server.arn

  container_definitions = jsonencode([merge(local.container, {
    name         = "server"
    command      = ["serve"]
    portMappings = [{ containerPort = local.port, protocol = "tcp" }]
    healthCheck = {
      # whether the process answers; whether the database does is the load balancer's question
      command     = ["CMD", "python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:${local.port}/healthz', timeout=4)"]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 30
    }
  })])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }
}

resource "aws_ecs_task_definition" "migrate" {
  family                   = "${var.name}-migrate"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.server.arn

  container_definitions = jsonencode([merge(local.container, {
    name    = "migrate"
    command = ["migrate"]
  })])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }
}

# In between: the service below is changed only after the migration has ended well. Old servers serve meanwhile, and version
# N serves the schema of N + 1 (docs/migrations.md).
resource "terraform_data" "migration" {
  triggers_replace = [aws_ecs_task_definition.migrate.arn]

  provisioner "local-exec" {
    command = "${path.module}/migrate.sh"

    environment = {
      AWS_REGION      = data.aws_region.current.region
      CLUSTER         = aws_ecs_cluster.this.name
      TASK_DEFINITION = aws_ecs_task_definition.migrate.arn
      SUBNETS         = join(",", local.private_ids)
      SECURITY_GROUP  = aws_security_group.server.id
      LOG_GROUP       = aws_cloudwatch_log_group.server.name
    }
  }

  depends_on = [
    aws_iam_role_policy.server,
    aws_iam_role_policy_attachment.execution,
    aws_route.private,
    aws_route_table_association.private,
    aws_vpc_security_group_egress_rule.server_to_aws,
    aws_vpc_security_group_egress_rule.server_to_rds,
    aws_vpc_security_group_egress_rule.server_to_database,
    aws_vpc_security_group_ingress_rule.server,
  ]
}

resource "aws_ecs_service" "this" {
  name                               = var.name
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.server.arn
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  desired_count                      = var.tasks.min
  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 100 # a new server is ready before an old one is told to stop
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 60
  enable_execute_command             = false
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = true

  deployment_circuit_breaker {
    enable   = true
    rollback = true # version N serves the schema of N + 1
  }

  network_configuration {
    subnets          = local.private_ids
    security_groups  = [aws_security_group.server.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = "server"
    container_port   = local.port
  }

  lifecycle {
    ignore_changes = [desired_count] # autoscaling's
  }

  depends_on = [aws_lb_listener.https, terraform_data.migration]
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = var.tasks.min
  max_capacity       = var.tasks.max
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "${var.name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
