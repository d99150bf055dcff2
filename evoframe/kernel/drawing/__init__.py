"""Drawing: from DNA to offspring, within all that an offspring may have and cost."""
