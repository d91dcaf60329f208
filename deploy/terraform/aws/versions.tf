terraform {
  required_version = ">= 1.9" # validation that looks at other variables
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}
