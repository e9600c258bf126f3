#!/bin/sh
echo "Hello from a file"
